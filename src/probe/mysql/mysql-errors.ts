import type { MysqlHandler } from '../../core/probing/check.ts';
import type { Reason } from '../../core/probing/reasons.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';
import { refusalVerdict } from '../connection/login-verdicts.ts';
import type { LoginProgress } from '../connection/login-verdicts.ts';
import type { MysqlError } from '../mysql-wire/mysql-packets.ts';

export type MysqlErrorClass =
  | { readonly subject: 'server'; readonly reason: Reason }
  | { readonly subject: 'full' | 'prober' }
  | { readonly subject: 'account' | 'login' };

/**
 * Returns the subject of an error, in every stage. Numbers and SQLSTATEs are from the error references of
 * MySQL and MariaDB. An error in place of the greeting often has no SQLSTATE. A class with one meaning is
 * decided by class, the others by number.
 *
 * | error                                                          | subject                                      |
 * |----------------------------------------------------------------|----------------------------------------------|
 * | 1040 too many connections, 1041 and 1135 no memory or thread   | full                                         |
 * | 1129 our address is blocked                                    | server, Blocked: also for others with the address |
 * | 1053 shutdown                                                  | server, ShuttingDown                         |
 * | 1043 and the like: our packets are not understood              | prober                                       |
 * | MaxScale's 1045 "failed to create new session"                 | server, NotServing                           |
 * | SQLSTATE 28000 and similar: account unknown, locked, expired,  | login                                        |
 * | without TLS, with a plugin that we lack; 1130 our address      |                                              |
 * | 1226, 1203 limits of the account; 1184 its init_connect; 1317, | account                                      |
 * | 1969, 3024 its statements are ended                            |                                              |
 * | SQLSTATE 42xxx, 1193: rights, and features that the server lacks | account                                    |
 * | any other (3032 offline, 1047 no Galera quorum, of a proxy:    | server, NotServing                           |
 * | 1105, 1927, 2003, 9001)                                        |                                              |
 */
export function mysqlErrorClass({ code, state, text }: MysqlError): MysqlErrorClass {
  const known = byCode[code];
  if (known !== undefined) return known;
  if (ofMaxScale.test(text)) return notServing;
  if (aboutTheLogin.has(code) || state.startsWith('28')) return { subject: 'login' };
  return aboutTheAccount.has(code) || state.startsWith('42') ? { subject: 'account' } : notServing;
}

/** Returns the verdict of an error. */
export function classifyServerError(
  error: MysqlError,
  saturatedIs: MysqlHandler['saturatedIs'],
  at: LoginProgress = { stage: 'mysql login', logsIn: false },
): Verdict {
  const message = `${error.code}: ${error.text}`;
  const errorClass = mysqlErrorClass(error);
  switch (errorClass.subject) {
    case 'full':
      return verdict(saturatedIs, 'Saturated', message);
    case 'prober':
      return verdict('inconclusive', 'ProberFault', message);
    case 'server':
      return verdict('down', errorClass.reason, message);
    default:
      return refusalVerdict(at, errorClass.subject, message);
  }
}

const full: MysqlErrorClass = { subject: 'full' };
const prober: MysqlErrorClass = { subject: 'prober' };
const notServing: MysqlErrorClass = { subject: 'server', reason: 'NotServing' };

const byCode: Readonly<Record<number, MysqlErrorClass>> = {
  1040: full,
  1041: full,
  1135: full,
  1129: { subject: 'server', reason: 'Blocked' },
  1053: { subject: 'server', reason: 'ShuttingDown' },
  1043: prober,
  1153: prober,
  1156: prober,
  1157: prober,
  1158: prober,
  1159: prober,
};

/** Text of MaxScale without a server behind it. */
const ofMaxScale = /failed to create new session/i;

/** Errors about the login. 1045, 1698 and 1044 have the SQLSTATE in most versions, but not in all. */
const aboutTheLogin: ReadonlySet<number> = new Set([
  1044, 1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3159, 3955, 4151, 4166,
]);

/** Errors about limits of the account and about ended statements. */
const limits: ReadonlySet<number> = new Set([1184, 1203, 1226, 1317, 1969, 3024]);

const aboutTheAccount: ReadonlySet<number> = new Set([...limits, 1142, 1143, 1193, 1227, 1235, 1370]);

/** Returns true when the same query is refused until a right is granted. False for a limit. */
export const isLasting = (error: MysqlError): boolean =>
  mysqlErrorClass(error).subject === 'account' && !limits.has(error.code);

export const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not of the MySQL protocol');
export const noTls = verdict('down', 'TlsFailed', 'the server does not offer TLS');
