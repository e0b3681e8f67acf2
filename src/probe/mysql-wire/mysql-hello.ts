import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';
import { readError, readGreeting, readPacket } from './mysql-packets.ts';

/**
 * Returns true when the first bytes of a connection are from MySQL or MariaDB: a greeting of protocol 10, in
 * use since 1998, or an error in place of it (too many connections, blocked address). The packet is complete
 * and nothing follows, which no answer of another protocol is by chance: a message of MongoDB begins with its
 * length too, but its length includes these bytes.
 */
export function isMysqlHello(bytes: Buffer): boolean {
  const packet = readPacket(bytes, 0);
  if (typeof packet === 'string' || packet.size !== bytes.length || bytes[3] !== 0) return false;
  return readGreeting(packet.payload) !== undefined || readError(packet.payload) !== undefined;
}

/** Verdict of every handler except mysql and tcpSocket when such a server answers. */
export const mysqlAnswers: Verdict = Object.freeze({
  ...verdict('down', 'WrongProtocol', 'a MySQL server answers on this port: use the mysql probe'),
  detectedProtocol: 'mysql',
});
