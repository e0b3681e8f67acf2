import { MysqlHandshake } from '../../../src/probe/mysql/mysql.ts';
import type { Handler } from '../../../src/core/probing/check.ts';

export type Mysql = Extract<Handler, { kind: 'mysql' }>;

export const handshake = (wantsTls = false, saturatedIs: Mysql['saturatedIs'] = 'inconclusive') =>
  new MysqlHandshake({ saturatedIs, wantsTls });

/** Sequence number and payload of each packet. */
export function packetsOf(sent: Buffer): readonly (readonly [number, Buffer])[] {
  const found: (readonly [number, Buffer])[] = [];
  for (let at = 0; at < sent.length;) {
    const end = at + 4 + sent.readUIntLE(at, 3);
    found.push([sent[at + 3] ?? -1, sent.subarray(at + 4, end)]);
    at = end;
  }
  return found;
}
