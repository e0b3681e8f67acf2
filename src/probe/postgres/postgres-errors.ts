import type { PostgresHandler } from '../../core/probing/check.ts';
import type { Reason } from '../../core/probing/reasons.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';
import { refusalVerdict } from '../connection/login-verdicts.ts';
import type { LoginProgress } from '../connection/login-verdicts.ts';

/** Error of the server: SQLSTATE (empty for the form of protocol 2), text, and optional fields. */
export interface PostgresError {
  readonly sqlstate: string;
  readonly text: string;
  readonly detail?: string;
  /** Function of the server that raised the error. It is not translated, unlike the text. */
  readonly routine?: string;
}

export type PostgresErrorClass =
  | { readonly subject: 'server'; readonly reason: Reason }
  | { readonly subject: 'full' }
  | { readonly subject: 'account' | 'login' };

/**
 * Returns the subject of an error. Sources: errcodes.txt for SQLSTATEs; ProcessStartupPacket and
 * BackendInitialize of the server, where only the text distinguishes the kinds of 57P03; disconnect_client of
 * PgBouncer. The class decides, because poolers choose any code of a class. The text decides only where a
 * class has several subjects.
 *
 * | SQLSTATE and text                                             | subject                                       |
 * |---------------------------------------------------------------|-----------------------------------------------|
 * | 57P03 the database system is starting up                      | server, StartingUp                            |
 * | 57P03 the database system is shutting down                    | server, ShuttingDown                          |
 * | 57P03 … in recovery mode, … not (yet) accepting connections   | server, InRecovery                            |
 * | 57P03 anything else, also in another language (lc_messages)   | server, NotServing                            |
 * | 57P01 terminated by the administrator                         | server, ShuttingDown                          |
 * | 57P02 another server process crashed                          | server, InRecovery: it restarts from its log  |
 * | 57P05 an idle session ended: of a pooler with its server      | server, NotServing                            |
 * | 53xxx the limit of the role, or of a pooler's user            | account                                       |
 * | 53xxx too many clients, reserved slots, the database's limit, | full                                          |
 * | out of memory                                                 |                                               |
 * | none: a postmaster that cannot fork                           | full                                          |
 * | 08P01 PgBouncer: max_client_conn and similar                  | full                                          |
 * | 08P01 PgBouncer, with a text of 57P03 or 53300 above          | as above: its server refused it               |
 * | 08P01 PgBouncer: password, user                               | login                                         |
 * | 08P01 PgBouncer: the database is disabled, the server fails   | server, NotServing                            |
 * | 08P01 anything else: our packets, a database                  | account                                       |
 * | 08xxx, F0xxx: no connection to the server, its configuration  | server, NotServing                            |
 * | 58xxx, XXxxx: system and internal errors: no such user,       | account, login                                |
 * | database or pool; authentication                              |                                               |
 * | 58xxx, XX001, XX002: files, damaged data                      | server, NotServing                            |
 * | XX000 with a text about the servers behind a pooler           | server, NotServing; full if the pool is full  |
 * | 28xxx pg_hba.conf, password, role                             | login                                         |
 * | anything else (3D000, 42501, 55000, 57014, …)                 | account                                       |
 */
export function postgresErrorClass(whole: PostgresError): PostgresErrorClass {
  const error = { ...whole, text: whole.text.slice(0, maxTextLength) };
  const { sqlstate } = error;
  const text = textOfServer(error.text);
  if (sqlstate === '') return full;
  if (sqlstate === pooler) return ofPgBouncer(text, error.text);
  if (sqlstate.startsWith('28')) return login;
  if (sqlstate.startsWith('53')) return isOfTheRole(error) ? account : full;
  if (internal.test(sqlstate) && poolIsFull.test(text)) return full;
  if (internal.test(sqlstate) && refusesLogin.test(text)) return login;
  const reason = whyDown(sqlstate, text);
  return reason === undefined ? account : { subject: 'server', reason };
}

/**
 * Maximum number of characters of a text that are read, more than any server needs. The expressions below
 * take quadratic time, and 64 KiB would occupy this thread for seconds.
 */
const maxTextLength = 1_000;

/** Returns the verdict of an error. */
export function verdictOfError(
  error: PostgresError,
  saturatedIs: PostgresHandler['saturatedIs'],
  at: LoginProgress = { stage: 'postgres startup', logsIn: false },
): Verdict {
  const { sqlstate, text, detail = '' } = error;
  // Without a SQLSTATE the server may be another one: only the text of a postmaster is reported.
  if (sqlstate === '')
    return verdict(saturatedIs, 'Saturated', text.startsWith('could not fork') ? text : '');
  const errorClass = postgresErrorClass(error);
  const words = `${sqlstate} ${text}`;
  if (errorClass.subject === 'full') return verdict(saturatedIs, 'Saturated', words);
  if (errorClass.subject !== 'server') return refusalVerdict(at, errorClass.subject, words);
  return verdict('down', errorClass.reason, detail === '' ? words : `${words}: ${detail}`);
}

const full: PostgresErrorClass = { subject: 'full' };
const account: PostgresErrorClass = { subject: 'account' };
const login: PostgresErrorClass = { subject: 'login' };
const notServing: PostgresErrorClass = { subject: 'server', reason: 'NotServing' };

/**
 * Returns the subject of an error of PgBouncer.
 *
 * @param text text of the server behind it, if it quotes one
 * @param whole complete text
 */
function ofPgBouncer(text: string, whole: string): PostgresErrorClass {
  if (text.startsWith(systemIs)) return { subject: 'server', reason: notNow(text) };
  if (roleIsFull.test(text)) return account;
  if (poolerFull.test(text)) return full;
  if (poolerRefuses.test(text)) return login;
  return poolerAlone.test(whole) ? notServing : account;
}

const isOfTheRole = ({ text, routine }: PostgresError): boolean =>
  routine === 'InitializeSessionUserId' || roleIsFull.test(textOfServer(text));

function whyDown(sqlstate: string, text: string): Reason | undefined {
  if (sqlstate === '57P03') return notNow(text);
  if (sqlstate === '57P01') return 'ShuttingDown';
  if (sqlstate === '57P02') return 'InRecovery';
  if (sqlstate === '57P05' || /^(08|F0)/.test(sqlstate)) return 'NotServing';
  if (!internal.test(sqlstate) || missing.test(text)) return undefined;
  return sqlstate !== 'XX000' || behind.test(text) ? 'NotServing' : undefined;
}

function notNow(text: string): Reason {
  if (text.includes('starting up')) return 'StartingUp';
  if (text.includes('shutting down')) return 'ShuttingDown';
  if (/in recovery mode|not (yet )?accepting connections/.test(text)) return 'InRecovery';
  return 'NotServing';
}

/** Other poolers report every error under 58000 and XX000 (pgpool, pgcat, Supavisor, Neon's proxy). */
const internal = /^(58|XX)/;
const poolIsFull = /max\w* client/i;
const refusesLogin = /authentication failed|pool_hba\.conf|pool_passwd/i;
const missing =
  /\b(user|role|tenant|database|project|endpoint)\b.* (not found|(does|do) not exist|(is )?not (specified|allowed|permitted|configured))|no pool configured|invalid pool/i;
const behind =
  /backend|\bnodes?\b|server|primary|replica|upstream|\bpool|compute|control plane|connect|endpoint|not accepting/i;

/**
 * SQLSTATE of PgBouncer, which reports all errors as its own. Of an error of its server at the login it
 * passes on the text only. Newer versions pass on the SQLSTATE too, except when they repeat the error until
 * they retry.
 */
const pooler = '08P01';
const repeatedError = /^server login has been failing, cached error: (.*) \(server_login_retry\)$/;
const textOfServer = (text: string): string => repeatedError.exec(text)?.[1] ?? text;
const systemIs = 'the database system is ';
const roleIsFull =
  /too many connections for (role|user) |max_user_(client_)?connections|for user \(pool_size/;
const poolerFull =
  /no more connections allowed|client connections exceeded|too many (clients already|connections for database )|^remaining connection slots are reserved/;
const poolerAlone =
  /cannot connect to server|server login|server conn crashed|connect timeout|_wait_timeout|^database ".*" is disabled$/;
const poolerRefuses =
  /authentication failed|^no such user|login rejected|pg_hba\.conf|^role ".*" (does not exist|is not permitted to log in)$/;
