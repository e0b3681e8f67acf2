import { connect } from 'node:net';
import { idOf, isResponseTo, withId } from './message.ts';
import type { ServerAddress } from './resolv-conf.ts';
import { reasonOf } from './udp.ts';
import type { CancelQuery, PendingQuery } from './udp.ts';

const prefixBytes = 2;

/**
 * Sends a query over TCP (RFC 7766), on a connection for this query alone, because only truncated answers
 * need it. It reads at most 64 KiB, because the length has two bytes. A response to another question, or an
 * end without a response, is a failure.
 */
export function sendTcp(server: ServerAddress, waiting: PendingQuery, id: number): CancelQuery {
  const chunks: Buffer[] = [];
  let received = 0;
  let done = false;
  const socket = connect({ host: server.address, port: server.port });
  const fail = (reason: string) => {
    if (done) return;
    done = true;
    socket.destroy();
    waiting.failed(reason);
  };
  socket.on('connect', () => socket.write(framed(withId(waiting.query, id, waiting.edns))));
  socket.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
  socket.on('close', () => fail('connection closed'));
  socket.on('data', (chunk: Buffer) => {
    if (done) return;
    chunks.push(chunk);
    received += chunk.length;
    const response = whole(chunks, received);
    if (response === undefined) return;
    if (response.length < 12 || idOf(response) !== id || !isResponseTo(waiting.query, response)) {
      fail('malformed answer');
      return;
    }
    done = true;
    socket.destroy();
    waiting.answered(response);
  });
  return () => {
    done = true;
    socket.destroy();
  };
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(prefixBytes + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, prefixBytes);
  return frame;
}

/** Returns the message; undefined until it is complete. Bytes after the message are ignored. */
function whole(chunks: Buffer[], received: number): Buffer | undefined {
  if (received < prefixBytes) return undefined;
  const first = chunks[0];
  const length = first !== undefined && first.length >= prefixBytes ? first.readUInt16BE(0) : undefined;
  if (length !== undefined && received < prefixBytes + length) return undefined;
  const all = Buffer.concat(chunks);
  const end = prefixBytes + all.readUInt16BE(0);
  return all.length < end ? undefined : all.subarray(prefixBytes, end);
}
