import type { Verdict } from '../../core/probing/verdict.ts';
import { responded, verdict } from '../verdict/verdicts.ts';

/**
 * Encodes grpc.health.v1.Health/Check:
 *
 * | message                                      | bytes                                                        |
 * |----------------------------------------------|--------------------------------------------------------------|
 * | frame (gRPC over HTTP/2)                     | 0 = not compressed, length of the message in 4 bytes, message |
 * | HealthCheckRequest { string service = 1 }    | `0a`, length as varint, name; nothing for the empty name     |
 * | HealthCheckResponse { ServingStatus status = 1 } | `08`, status as varint; nothing for 0                      |
 */
export function encodeCheck(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Result of a call. */
export interface GrpcAnswer {
  readonly httpStatus: number;
  readonly contentType: string;
  /** Status of the trailers, or of the headers of an answer without trailers. */
  readonly grpcStatus: number | undefined;
  readonly body: Buffer;
}

/** Maximum length of an answer to a health check. */
export const maxGrpcBytes = 1024;

/**
 * Returns the verdict of an answer.
 *
 * | answer                                     | verdict                                                |
 * |--------------------------------------------|--------------------------------------------------------|
 * | HTTP status other than 200                 | down UnexpectedStatus                                  |
 * | content type other than application/grpc   | down WrongProtocol                                     |
 * | no grpc-status, or a body that is no answer | down WrongProtocol                                    |
 * | grpc-status 0, SERVING                     | up Responded                                           |
 * | grpc-status 0, any other status            | down NotServing                                        |
 * | 16 UNAUTHENTICATED, 7 PERMISSION_DENIED    | down AuthRequired: only SERVING is healthy             |
 * | other (5: service not known, 12: no health service) | down NotServing, with the status              |
 */
export function verdictOfAnswer(answer: GrpcAnswer): Verdict {
  const { httpStatus, contentType, grpcStatus, body } = answer;
  if (httpStatus !== 200) return verdict('down', 'UnexpectedStatus', `HTTP ${String(httpStatus)}`);
  if (!/^application\/grpc\b/.test(contentType) || grpcStatus === undefined) return notGrpc;
  if (grpcStatus === 0) return verdictOfBody(body);
  const text = `gRPC status ${String(grpcStatus)} ${statusNames[grpcStatus] ?? ''}`;
  return verdict('down', grpcStatus === 16 || grpcStatus === 7 ? 'AuthRequired' : 'NotServing', text);
}

export const notGrpc = verdict('down', 'WrongProtocol', 'the answer is not gRPC');

const statusNames = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE'],
  ...['UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

const healthNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

function verdictOfBody(body: Buffer): Verdict {
  if (body.length < 5 || body.readUInt8(0) !== 0 || body.readUInt32BE(1) !== body.length - 5) return notGrpc;
  const status = readStatus(body.subarray(5));
  if (status === undefined) return notGrpc;
  if (status === 1) return responded;
  return verdict('down', 'NotServing', `health status ${healthNames[status] ?? String(status)}`);
}

/**
 * Returns field 1 of the message, the last one if there are several, and 0 without one. Undefined: not
 * protobuf.
 */
function readStatus(message: Buffer): number | undefined {
  let status = 0;
  for (let at = 0; at < message.length;) {
    const tag = readVarint(message, at);
    if (tag === undefined || tag.value >> 3 === 0) return undefined;
    const value = (tag.value & 7) === 0 ? readVarint(message, tag.end) : undefined;
    if (tag.value === 0x08 && value !== undefined) status = value.value;
    const end = value?.end ?? endOfOther(message, tag.value & 7, tag.end);
    if (end === undefined || end > message.length) return undefined;
    at = end;
  }
  return status;
}

/**
 * Returns the end of a field whose wire type is not varint. Undefined: a wire type that proto3 does not have.
 */
function endOfOther(message: Buffer, wireType: number, at: number): number | undefined {
  if (wireType === 1) return at + 8;
  if (wireType === 5) return at + 4;
  const length = wireType === 2 ? readVarint(message, at) : undefined;
  return length && length.end + length.value;
}

/** Reads up to 4 bytes, because tags, lengths and states are not larger. */
function readVarint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let index = 0; index < 4 && at + index < bytes.length; index += 1) {
    const byte = bytes.readUInt8(at + index);
    value |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return undefined;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
