import type { Check, Handler } from '../../../src/core/probing/check.ts';

type HttpGet = Extract<Handler, { kind: 'httpGet' }>['request'];

const timing = {
  initialDelayMs: 0,
  periodMs: 10_000,
  timeoutMs: 1_000,
  successThreshold: 1,
  failureThreshold: 3,
};

/** A tcpSocket check of the port on 127.0.0.1. */
export function tcpCheck(port: number, more: Partial<Check> & { timeoutMs?: number } = {}): Check {
  const { timeoutMs = 1_000, ...rest } = more;
  return {
    id: 'check',
    ip: '127.0.0.1',
    family: 'IPv4',
    port,
    host: '127.0.0.1',
    handler: { kind: 'tcpSocket' },
    timing: { ...timing, timeoutMs },
    ...rest,
  };
}

export function httpCheck(
  port: number,
  request: Partial<HttpGet> = {},
  more: Partial<Check> & { timeoutMs?: number } = {},
): Check {
  const handler: Handler = {
    kind: 'httpGet',
    request: { path: '/', scheme: 'HTTP', insecureSkipVerify: false, ...request },
  };
  return tcpCheck(port, { handler, ...more });
}

export function icmpCheck(ip: string, more: Partial<Check> & { timeoutMs?: number } = {}): Check {
  return tcpCheck(0, {
    ip,
    family: ip.includes(':') ? 'IPv6' : 'IPv4',
    host: ip,
    handler: { kind: 'icmp' },
    ...more,
  });
}

/** A signal that never aborts. */
export const forever = new AbortController().signal;
