import type { Check, TlsOptions } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import { proberFault, responded, verdict } from '../verdict/verdicts.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import { HttpExchange } from './http-exchange.ts';
import type { ResponseHead } from './http-exchange.ts';
import {
  headersOf,
  hostnameOf,
  keepsHeaders,
  portOf,
  redirectOf,
  requestBytes,
  urlOf,
} from './http-request.ts';
import type { HttpRequest } from './http-request.ts';
import { createMysqlPorts } from '../mysql/mysql-ports.ts';
import type { Probe } from '../connection/probe.ts';
import { createSecureContextCache, tlsPolicyOf } from '../connection/tls.ts';
import type { SecureContextCache } from '../connection/tls.ts';

export interface HttpOptions {
  /** PEM certificates of the authorities to trust for https. Default: those of Node. */
  readonly ca?: readonly string[];
}

/** net/http stops after ten requests that were answered by a redirect. */
const maxRequests = 10;

/**
 * Creates the probe that is up when a GET returns 200 to 399 (or one of `expectedStatuses`) within the
 * timeout, which includes connection, handshake, redirects and body. Each request has its own connection,
 * always to the check's IP. Unlike the kubelet, the probe verifies certificates of https against the URL's
 * host (unless `insecureSkipVerify`).
 *
 * Answers are read by the rules of net/http. `node:http` refuses answers that the kubelet accepts (a line
 * that ends with LF alone), and has no mode that accepts all of them.
 */
export function createHttpGet(options: HttpOptions, guard = createMysqlPorts()): Probe {
  const contexts = createSecureContextCache(options.ca);
  return guard(async (check, signal, meter) => {
    if (check.handler.kind !== 'httpGet') return proberFault('not an httpGet check');
    const { request, tls = noTls } = check.handler;
    const deadline = performance.now() + check.timing.timeoutMs;
    return get({ check, request, tls, contexts, signal, deadline, budget: new Budget({ meter }) });
  });
}

const noTls: TlsOptions = {};

interface Run {
  readonly check: Check;
  readonly request: HttpRequest;
  readonly tls: TlsOptions;
  readonly contexts: SecureContextCache;
  readonly signal: AbortSignal;
  /** Time of `performance.now()`. */
  readonly deadline: number;
  /** Budget of all requests. */
  readonly budget: Budget;
}

async function get(run: Run): Promise<Verdict> {
  const { request } = run;
  const first = urlOf(run.check, request);
  let url = first;
  let ownHost = true;
  let sent = request;
  for (let count = 0; count < maxRequests; count += 1) {
    const withRedirect = (end: Verdict): Verdict =>
      url === first ? end : redirected(url, sent === request ? '' : withoutHeaders, end);
    const answer = await exchange(run, url, requestBytes(url, headersOf(sent, url, ownHost)));
    if ('kind' in answer) return withRedirect(answer);
    if (request.expectedStatuses?.includes(answer.status) === true) return responded;
    const redirect = redirectOf(answer.status, answer.location, url, first);
    if (redirect.kind === 'broken')
      return withRedirect(unexpected(answer.status, ' with a Location that cannot be followed'));
    if (redirect.kind === 'stay')
      return isExpected(request, answer.status)
        ? responded
        : withRedirect(unexpected(answer.status, answer.expectsTls ? tlsExpected : ''));
    if (hasHeaders(sent) && !keepsHeaders(url, redirect.url)) sent = { ...request, httpHeaders: [] };
    url = redirect.url;
    ownHost &&= redirect.relative;
  }
  return verdict('down', 'UnexpectedStatus', `stopped after ${String(maxRequests)} redirects`);
}

const hasHeaders = ({ httpHeaders = [] }: HttpRequest): boolean => httpHeaders.length > 0;

const withoutHeaders = ' without httpHeaders';

const tlsExpected = ': the server expects TLS: set scheme: HTTPS';

function isExpected(request: HttpRequest, status: number): boolean {
  return request.expectedStatuses?.includes(status) ?? (status >= 200 && status < 400);
}

function unexpected(status: number, more: string): Verdict {
  return verdict('down', 'UnexpectedStatus', `HTTP ${String(status)}${more}`);
}

/**
 * Longer URLs are cut, so that the message has room for the cause. The query may contain a secret and is left
 * out.
 */
const maxUrlLength = 48;

/** Returns the verdict of a request after a redirect. A verdict that is not about the target is unchanged. */
function redirected({ origin, pathname }: URL, how: string, end: Verdict): Verdict {
  if (end.kind === 'inconclusive') return end;
  const whole = `${origin}${pathname}`;
  const url = whole.length <= maxUrlLength ? whole : `${whole.slice(0, maxUrlLength - 3)}...`;
  return verdict(
    end.kind,
    end.reason,
    `redirected to ${url}${how}${end.message === '' ? '' : `: ${end.message}`}`,
  );
}

/** Makes one request on one connection to the checked IP. The URL's host is only a name of the server. */
async function exchange(run: Run, url: URL, request: Uint8Array): Promise<ResponseHead | Verdict> {
  const { check, tls, contexts, signal } = run;
  const isSecure = url.protocol === 'https:';
  const port = portOf(url);
  const described = tlsPolicyOf(tls, contexts);
  const verify = run.request.insecureSkipVerify ? 'none' : described.verify;
  const wantsBody = (status: number) => isExpected(run.request, status);
  const http = new HttpExchange({ isSecure, request, wantsBody });
  const end = await runProtocol(
    { ...check, port, host: hostnameOf(url) },
    signal,
    http,
    isSecure ? { ...described, verify, protocol: 'http/1.1' } : undefined,
    { leftMs: Math.max(1, run.deadline - performance.now()), budget: run.budget },
  );
  return end === responded && http.answer !== undefined ? http.answer : end;
}
