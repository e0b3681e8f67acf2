import type { Reason, Verdict } from '../core/verdict.ts';
import { verdict } from './classify.ts';
import type { ServerError } from './mysql-packets.ts';

type Kind = Verdict['kind'] | 'as asked';

/**
 * What an error says of the server, with or without credentials. Numbers from MySQL's and MariaDB's error references.
 *
 * | error                                                          | verdict                                          |
 * |----------------------------------------------------------------|--------------------------------------------------|
 * | 1040 too many connections, 1041 and 1135 no memory or thread   | Saturated, of the kind that `saturatedIs` says   |
 * | 1129 our address is blocked                                    | down Blocked: who shares it is refused too       |
 * | 1130 our address may not log in                                | up AuthRequired                                  |
 * | SQLSTATE 28000 and its kin: account unknown, locked, expired,  | up AuthRequired                                  |
 * | without TLS, of a plugin that we do not have                   |                                                  |
 * | 1053 shutdown                                                  | down ShuttingDown                                |
 * | 1043 and the like: our packets are not understood              | inconclusive ProberFault                         |
 * | any other (3032 offline, 1047 no Galera quorum, a proxy's      | down NotServing                                  |
 * | "cannot reach a server")                                       |                                                  |
 */
const byCode: Readonly<Record<number, readonly [Kind, Reason]>> = {
  1040: ['as asked', 'Saturated'],
  1041: ['as asked', 'Saturated'],
  1135: ['as asked', 'Saturated'],
  1129: ['down', 'Blocked'],
  1053: ['down', 'ShuttingDown'],
  1043: ['inconclusive', 'ProberFault'],
  1153: ['inconclusive', 'ProberFault'],
  1156: ['inconclusive', 'ProberFault'],
  1157: ['inconclusive', 'ProberFault'],
  1158: ['inconclusive', 'ProberFault'],
  1159: ['inconclusive', 'ProberFault'],
};

/** Of the account that asks, not of the server: 1045, 1698 and 1044 have the SQLSTATE in most versions, not in all. */
const aboutTheAccount: ReadonlySet<number> = new Set([
  1044, 1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3159, 3955, 4151, 4166,
]);

export function isAboutTheAccount({ code, state }: ServerError): boolean {
  return aboutTheAccount.has(code) || state === '28000';
}

export function classifyServerError(error: ServerError, saturatedIs: 'inconclusive' | 'down'): Verdict {
  const message = `${error.code}: ${error.text}`;
  if (isAboutTheAccount(error)) return verdict('up', 'AuthRequired', message);
  const [kind, reason] = byCode[error.code] ?? ['down', 'NotServing'];
  return verdict(kind === 'as asked' ? saturatedIs : kind, reason, message);
}

export const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not of the MySQL protocol');
export const noTls = verdict('down', 'TlsFailed', 'the server offers no TLS');
