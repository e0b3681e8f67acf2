import type * as http2 from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from 'node:http2';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { Check, GrpcHandler } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import { closedEarly, codeOf, proberFault, verdict } from '../verdict/verdicts.ts';
import { encodeCheck, maxGrpcBytes, notGrpc, verdictOfAnswer } from './grpc-health.ts';
import { classifyHttpError } from '../connection/errors.ts';
import { isDnsName } from '../connection/identity.ts';
import { createDeadline } from '../connection/deadline.ts';
import type { Deadline } from '../connection/deadline.ts';
import { closeGraceMs } from '../connection/probe.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import type { Probe } from '../connection/probe.ts';
import { progressOf, withProgress } from '../connection/progress.ts';
import {
  createSecureContextCache,
  serverNameOf,
  tlsConnectOptions,
  tlsPolicyOf,
  unusableCertificates,
} from '../connection/tls.ts';
import { meteredConnection } from '../connection/tapped-connection.ts';
import type { Connection } from '../connection/tapped-connection.ts';

/**
 * Creates the probe that is up when grpc.health.v1.Health/Check returns SERVING, like the kubelet's grpc
 * probe, and with TLS if the check has it. Each run makes one connection to the check's IP; `:authority` and
 * server name are the target's host name. HTTP/2 is Node's, loaded on first use: @grpc/grpc-js has 24
 * packages, and distinguishes a refused connection from a bad certificate only by the text of an error.
 */
export function createGrpc(guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache();
  return guard(async (check, signal, meter) => {
    if (check.handler.kind !== 'grpc') return proberFault('not a grpc check');
    const { tls } = check.handler;
    const name = serverNameOf(check, tls);
    let secrets: ConnectionOptions | undefined;
    try {
      secrets = tls && tlsConnectOptions(tlsPolicyOf(tls, contexts), name);
    } catch (error) {
      return unusableCertificates(error);
    }
    const http2 = await import('node:http2');
    const limit = createDeadline(check.timing.timeoutMs, signal);
    try {
      const budget = new Budget({ meter });
      const run = { check, handler: check.handler, limit, http2, name, secrets, budget };
      return limit.stopped ?? (await new Promise<Verdict>((resolve) => new Call(run, resolve).start()));
    } finally {
      limit.release();
    }
  });
}

interface Run {
  readonly check: Check;
  readonly handler: GrpcHandler;
  readonly limit: Deadline;
  readonly http2: typeof http2;
  readonly name: string;
  readonly secrets: ConnectionOptions | undefined;
  /** Ends frames without end. */
  readonly budget: Budget;
}

const noHttp2 = verdict('down', 'WrongProtocol', 'the server does not support HTTP/2 (ALPN h2)');
const refused = verdict('down', 'NotServing', 'the server rejected the gRPC call');

/** One call on one connection. */
class Call {
  readonly #run: Run;
  readonly #resolve: (verdict: Verdict) => void;
  readonly #budget: Budget;
  /** The connection, or TLS on it. */
  #socket: Connection | undefined;
  #session: ClientHttp2Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  #verdict: Verdict | undefined;

  constructor(run: Run, resolve: (verdict: Verdict) => void) {
    this.#run = run;
    this.#budget = run.budget;
    this.#resolve = resolve;
  }

  start(): void {
    const { check, limit } = this.#run;
    const socket = connectTcp({ host: check.ip, port: check.port });
    this.#use(socket);
    limit.onStop = (stop) => {
      const reached = this.#socket ?? socket;
      this.#verdict ??= withProgress(stop, progressOf(reached, 'the call'), check);
      this.#session?.destroy();
      reached.destroy();
      this.#resolve(this.#verdict);
    };
    socket.once('connect', () => this.#secure(meteredConnection(socket, this.#budget, () => this.#exceed())));
  }

  #use(socket: Connection): void {
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#finish(closedEarly));
  }

  #secure(plain: Connection): void {
    const { secrets } = this.#run;
    if (secrets === undefined) {
      this.#use(plain);
      this.#call(plain);
      return;
    }
    this.#budget.beginHandshake();
    const secured = connectTls({ ...secrets, socket: plain, ALPNProtocols: ['h2'] });
    this.#use(secured);
    secured.once('secureConnect', () => {
      this.#budget.endHandshake();
      this.#call(secured);
    });
  }

  #exceed(): void {
    const { exceeded } = this.#budget;
    this.#session?.destroy();
    this.#socket?.destroy();
    if (exceeded !== undefined) this.#finish(exceeded);
  }

  #call(socket: Connection): void {
    if (this.#verdict !== undefined) return;
    if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
      this.#finish(noHttp2);
      return;
    }
    const { http2, check, handler, secrets } = this.#run;
    // A name of the certificate alone is no authority.
    const name = isDnsName(this.#run.name) || isIP(this.#run.name) !== 0 ? this.#run.name : check.host;
    const scheme = secrets === undefined ? 'http' : 'https';
    const authority = `${isIP(name) === 6 ? `[${name}]` : name}:${String(check.port)}`;
    const session = http2.connect(`${scheme}://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: 1,
      maxHeaderListPairs: 100,
    });
    this.#session = session;
    session.on('error', (error) => this.#fail(error));
    session.on('close', () => this.#finish(closedEarly));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      ':authority': authority,
      'content-type': 'application/grpc',
      'grpc-timeout': `${String(check.timing.timeoutMs)}m`,
      te: 'trailers',
      'user-agent': 'external-backend-operator',
    });
    this.#stream = stream;
    this.#listen(stream);
    stream.end(encodeCheck(handler.service));
  }

  #listen(stream: ClientHttp2Stream): void {
    let headers: IncomingHttpHeaders & IncomingHttpStatusHeader = {};
    let trailers: IncomingHttpHeaders = {};
    let body = Buffer.alloc(0);
    stream.on('response', (response) => (headers = response));
    stream.on('trailers', (given: IncomingHttpHeaders) => (trailers = given));
    stream.on('data', (chunk: Buffer) => {
      body = Buffer.concat([body, chunk]);
      if (body.length > maxGrpcBytes) this.#finish(notGrpc);
    });
    stream.on('error', (error) => this.#fail(error));
    stream.on('end', () => {
      // Without headers the server cancelled the call.
      if (headers[':status'] === undefined) {
        this.#finish(closedEarly);
        return;
      }
      const status = trailers['grpc-status'] ?? headers['grpc-status'];
      this.#finish(
        verdictOfAnswer({
          httpStatus: headers[':status'],
          contentType: headers['content-type'] ?? '',
          grpcStatus: typeof status === 'string' && /^\d{1,2}$/.test(status) ? Number(status) : undefined,
          body,
        }),
      );
    });
  }

  #fail(error: unknown): void {
    const code = codeOf(error);
    if (code === 'ERR_HTTP2_STREAM_ERROR') this.#finish(refused);
    else if (code === 'ERR_HTTP2_STREAM_CANCEL' || code === 'ERR_HTTP2_GOAWAY_SESSION')
      this.#finish(closedEarly);
    else if (code.startsWith('ERR_HTTP2_')) this.#finish(notGrpc);
    else this.#finish(classifyHttpError(error, this.#run.name, this.#session !== undefined));
  }

  /** Sends GOAWAY and FIN, then waits `closeGraceMs` for the peer's close. */
  #finish(cause: Verdict): void {
    const socket = this.#socket;
    if (this.#verdict !== undefined || socket === undefined) return;
    const end = withProgress(cause, progressOf(socket, 'the call'), this.#run.check);
    this.#verdict = end;
    if (socket.closed) {
      this.#resolve(end);
      return;
    }
    const grace = setTimeout(() => socket.destroy(), closeGraceMs);
    socket.once('close', () => {
      clearTimeout(grace);
      this.#resolve(end);
    });
    if (this.#stream?.closed === false) this.#stream.close(this.#run.http2.constants.NGHTTP2_CANCEL);
    if (this.#session !== undefined && !this.#session.destroyed) this.#session.close();
    else if (socket.connecting) socket.destroy();
    else socket.end();
  }
}
