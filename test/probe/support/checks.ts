import { aCheck } from '../../support/fakes/scripted-probe.ts';
import type { Check, Handler } from '../../../src/core/probing/check.ts';

type HttpGet = Extract<Handler, { kind: 'httpGet' }>['request'];

/** A tcpSocket check of the port on 127.0.0.1. */
export function tcpCheck(port: number, more: Partial<Check> & { timeoutMs?: number } = {}): Check {
  const { timeoutMs = 1_000, ...rest } = more;
  const local = { id: 'check', ip: '127.0.0.1', host: '127.0.0.1', port, timing: { timeoutMs } };
  return aCheck({ ...local, ...rest });
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
