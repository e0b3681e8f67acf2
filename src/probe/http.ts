import { request as startRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Check, TlsOptions } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { proberFault, responded, verdict } from './classify.ts';
import { closePolitely } from './close.ts';
import { classifyHttpError } from './http-error.ts';
import { headersOf, hostnameOf, redirectOf, urlOf } from './http-request.ts';
import type { Headers, HttpGet } from './http-request.ts';
import { createLimit } from './limit.ts';
import type { Limit } from './limit.ts';
import type { Probe } from './probe.ts';
import { checkIdentity, sniOf } from './identity.ts';
import { createTrust } from './secure.ts';

export interface HttpOptions {
  /** PEM certificates of the authorities that https servers are trusted by; default: the ones Node brings. */
  readonly ca?: readonly string[];
}

/** As the kubelet (pkg/probe/http): the body is read up to here, then the answer stands. */
const maxBodyBytes = 10 * 1024;
const maxHeaderBytes = 16 * 1024;
const maxRedirects = 10;

/**
 * Up when a GET answers 200 to 399 (or one of `expectedStatuses`) within the timeout, which covers everything: connection,
 * handshake, redirects and body. One connection per request, always to the check's IP. Unlike the kubelet, https
 * certificates are verified (unless `insecureSkipVerify`), against the URL's host.
 */
export function createHttpGet(options: HttpOptions): Probe {
  const trust = createTrust(options.ca);
  return async (check, signal) => {
    if (check.handler.kind !== 'httpGet') return proberFault('not an httpGet check');
    const { request, tls } = check.handler;
    const limit = createLimit(check.timing.timeoutMs, signal);
    try {
      return await get({ check, request, tls, limit, trust: () => trust(tls ?? {}) });
    } finally {
      limit.release();
    }
  };
}

interface Run {
  readonly check: Check;
  readonly request: HttpGet;
  readonly tls: TlsOptions | undefined;
  readonly limit: Limit;
  readonly trust: () => SecureContext;
}

async function get(run: Run): Promise<Verdict> {
  const first = urlOf(run.check, run.request);
  let url = first;
  let ownHost = true;
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    if (run.limit.stopped !== undefined) return run.limit.stopped;
    const answer = await exchange(run, url, headersOf(run.request, url, ownHost));
    if ('kind' in answer) return answer;
    if (run.request.expectedStatuses?.includes(answer.status) === true) return responded;
    const redirect = redirectOf(answer.status, answer.location, url, first);
    if (redirect.kind === 'broken')
      return unexpected(answer.status, 'with a Location that cannot be followed');
    if (redirect.kind === 'stay')
      return isExpected(run.request, answer.status) ? responded : unexpected(answer.status);
    url = redirect.url;
    ownHost &&= redirect.relative;
  }
  return verdict('down', 'UnexpectedStatus', `stopped after ${String(maxRedirects)} redirects`);
}

function isExpected(request: HttpGet, status: number): boolean {
  return request.expectedStatuses?.includes(status) ?? (status >= 200 && status < 400);
}

function unexpected(status: number, more = ''): Verdict {
  return verdict('down', 'UnexpectedStatus', `HTTP ${String(status)} ${more}`);
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

/** One request on one connection; resolves when the connection is closed. Rejects only for a request that cannot be made. */
function exchange(run: Run, url: URL, headers: Headers): Promise<Answer | Verdict> {
  return new Promise((resolve) => {
    const socket = open(run, url);
    const name = nameFor(run, url);
    let result: Answer | Verdict | undefined;
    const settle = (end: Answer | Verdict) => {
      if (result !== undefined) return;
      result = end;
      run.limit.onStop = () => socket.destroy();
      closePolitely(socket, () => resolve(end));
    };
    run.limit.onStop = (stop) => {
      result = stop;
      socket.destroy();
      resolve(stop);
    };
    socket.on('error', (error) => settle(classifyHttpError(error, name)));
    try {
      const request = startRequest({
        createConnection: () => socket,
        path: url.pathname + url.search,
        headers: headers as Record<string, string[]>,
        setHost: false,
        maxHeaderSize: maxHeaderBytes,
      });
      request.on('error', (error) => settle(classifyHttpError(error, name)));
      request.on('upgrade', (response) => settle(answerOf(response)));
      request.on('response', (response) => readBody(run, response, settle, name));
      request.end();
    } catch (error) {
      socket.destroy();
      throw error;
    }
  });
}

/** A bad status is known before its body; a good one counts when the body came too, or its first 10 KiB. */
function readBody(
  run: Run,
  response: IncomingMessage,
  settle: (end: Answer | Verdict) => void,
  name: string,
): void {
  const answer = answerOf(response);
  let bytes = 0;
  response.on('error', (error) => settle(classifyHttpError(error, name)));
  response.on('end', () => settle(answer));
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes >= maxBodyBytes) settle(answer);
  });
  if (!isExpected(run.request, answer.status) && answer.status >= 400) settle(answer);
}

function answerOf(response: IncomingMessage): Answer {
  return { status: response.statusCode ?? 0, location: response.headers.location };
}

/** Whom a certificate must name. */
const nameFor = ({ tls }: Run, url: URL): string => tls?.serverName ?? hostnameOf(url);

/** Dials the checked IP; the URL's host is only what the server is called. */
function open(run: Run, url: URL): Socket {
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const target = { host: run.check.ip, port };
  const socket = secure ? openTls(run, target, run.tls?.serverName ?? hostnameOf(url)) : connectTcp(target);
  // Node destroys the socket at the response's end: bytes of the server that are still under way would be answered by a reset.
  socket.destroySoon = () => socket.end();
  return socket;
}

function openTls(run: Run, target: { host: string; port: number }, name: string): Socket {
  return connectTls({
    ...target,
    secureContext: run.trust(),
    ALPNProtocols: ['http/1.1'],
    servername: sniOf(name),
    rejectUnauthorized: !run.request.insecureSkipVerify && run.tls?.insecureSkipVerify !== true,
    checkServerIdentity: (_, certificate) =>
      run.tls?.verify === 'ca' ? undefined : checkIdentity(name, certificate),
  });
}
