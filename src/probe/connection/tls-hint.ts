import type { Check } from '../../core/probing/check.ts';
import { handlerTraits } from '../../core/probing/handler-kinds.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';

/**
 * Returns the field to set so that the check uses TLS from the first byte. Undefined when it does, or never
 * would (a MySQL server sends its greeting without TLS, and TLS begins after it).
 */
export function tlsHint({ handler }: Check): string | undefined {
  if (handler.kind === 'httpGet') return handler.request.scheme === 'HTTP' ? 'set scheme: HTTPS' : undefined;
  if (handler.kind === 'postgres') return handler.sslMode === 'disable' ? 'set sslMode' : undefined;
  return handlerTraits[handler.kind].tls === 'ifSet' && !('tls' in handler) ? 'set spec.tls' : undefined;
}

/**
 * Returns the verdict of a TLS alert in answer to bytes without TLS, or undefined (RFC 8446, 5.1 and 6):
 *
 *     15 (alert) | 03 01 to 03 04 (version) | 00 02 (length) | 01 or 02 (level) | description
 */
export function readAlert(bytes: Buffer, check: Check): Verdict | undefined {
  const isAlert =
    bytes.length >= 7 &&
    bytes.readUInt16BE(0) === 0x1503 &&
    bytes.readUInt8(2) >= 1 &&
    bytes.readUInt16BE(3) === 2;
  if (!isAlert) return undefined;
  const hint = tlsHint(check);
  const advice = hint === undefined ? '' : `: ${hint}`;
  const text = `TLS alert ${String(bytes.readUInt8(6))}: the server expects TLS${advice}`;
  return verdict('down', 'WrongProtocol', text);
}
