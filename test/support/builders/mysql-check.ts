import type { Check, MysqlHandler } from '../../../src/core/probing/check.ts';
import { tcpCheck } from '../../probe/support/checks.ts';

/** A mysql check of the server at that address and port. */
export function mysqlCheck(
  { address, port }: { readonly address: string; readonly port: number },
  handler: Partial<MysqlHandler> = {},
  more: Partial<Check> & { timeoutMs?: number } = {},
): Check {
  return tcpCheck(port, {
    ip: address,
    host: address,
    handler: { kind: 'mysql', saturatedIs: 'inconclusive', ...handler },
    timeoutMs: 5_000,
    ...more,
  });
}
