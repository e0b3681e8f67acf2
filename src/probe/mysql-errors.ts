import type { Reason, Verdict } from '../core/verdict.ts';
import { verdict } from './classify.ts';
import { refusal } from './logins.ts';
import type { At } from './logins.ts';
import type { ServerError } from './mysql-packets.ts';

export type Ruling =
  | { readonly subject: 'server'; readonly reason: Reason }
  | { readonly subject: 'full' | 'prober' }
  | { readonly subject: 'account' | 'login' };

/**
 * Subject of an error, in every stage. Numbers and SQLSTATEs from MySQL's and MariaDB's error references; in place of the
 * greeting an error often has no SQLSTATE. By class where one means one thing, by number elsewhere.
 *
 * | error                                                          | about                                        |
 * |----------------------------------------------------------------|----------------------------------------------|
 * | 1040 too many connections, 1041 and 1135 no memory or thread   | full                                         |
 * | 1129 our address is blocked                                    | server, Blocked: who shares it is refused too |
 * | 1053 shutdown                                                  | server, ShuttingDown                         |
 * | 1043 and the like: our packets are not understood              | prober                                       |
 * | MaxScale's 1045 "failed to create new session"                 | server, NotServing                           |
 * | SQLSTATE 28000 and its kin: account unknown, locked, expired,  | login                                        |
 * | without TLS, of a plugin that we do not have; 1130 our address |                                              |
 * | 1226, 1203 limits of the account; 1184 its init_connect; 1317, | account                                      |
 * | 1969, 3024 its statements are ended                            |                                              |
 * | SQLSTATE 42xxx, 1193: rights, and what the server has not      | account                                      |
 * | any other (3032 offline, 1047 no Galera quorum, a proxy's own: | server, NotServing                           |
 * | 1105, 1927, 2003, 9001)                                        |                                              |
 */
export function rulingOf({ code, state, text }: ServerError): Ruling {
  const known = byCode[code];
  if (known !== undefined) return known;
  if (ofMaxScale.test(text)) return notServing;
  if (aboutTheLogin.has(code) || state.startsWith('28')) return { subject: 'login' };
  return aboutTheAccount.has(code) || state.startsWith('42') ? { subject: 'account' } : notServing;
}

/** The verdict that an error makes. */
export function classifyServerError(
  error: ServerError,
  saturatedIs: 'inconclusive' | 'down',
  at: At = { stage: 'mysql login', logsIn: false },
): Verdict {
  const message = `${error.code}: ${error.text}`;
  const ruling = rulingOf(error);
  switch (ruling.subject) {
    case 'full':
      return verdict(saturatedIs, 'Saturated', message);
    case 'prober':
      return verdict('inconclusive', 'ProberFault', message);
    case 'server':
      return verdict('down', ruling.reason, message);
    default:
      return refusal(at, ruling.subject, message);
  }
}

const full: Ruling = { subject: 'full' };
const prober: Ruling = { subject: 'prober' };
const notServing: Ruling = { subject: 'server', reason: 'NotServing' };

const byCode: Readonly<Record<number, Ruling>> = {
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

/** It has no server to lead to. */
const ofMaxScale = /failed to create new session/i;

/** 1045, 1698 and 1044 have the SQLSTATE in most versions, not in all. */
const aboutTheLogin: ReadonlySet<number> = new Set([
  1044, 1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3159, 3955, 4151, 4166,
]);

/** Limits of the account, and ends of its statements. */
const limits: ReadonlySet<number> = new Set([1184, 1203, 1226, 1317, 1969, 3024]);

const aboutTheAccount: ReadonlySet<number> = new Set([...limits, 1142, 1143, 1193, 1227, 1235, 1370]);

/** Returns true when the same question is refused again, until a right is granted: not for a limit. */
export const isLasting = (error: ServerError): boolean =>
  rulingOf(error).subject === 'account' && !limits.has(error.code);

export const wrongProtocol = verdict('down', 'WrongProtocol', 'the answer is not of the MySQL protocol');
export const noTls = verdict('down', 'TlsFailed', 'the server offers no TLS');
