import type { PostgresHandler } from '../core/check.ts';
import type { Reason, Verdict } from '../core/verdict.ts';
import { verdict } from './classify.ts';

/** An error of the server: SQLSTATE (empty for the form of protocol 2), its text and the detail it may have. */
export interface ServerError {
  readonly sqlstate: string;
  readonly text: string;
  readonly detail?: string;
}

/**
 * What an error in answer to a login says (SQLSTATEs: errcodes.txt; texts: ProcessStartupPacket and BackendInitialize of
 * the server, which says the whole of 57P03 by its text; PgBouncer: disconnect_client).
 *
 * | SQLSTATE and text                                             | verdict                                       |
 * |---------------------------------------------------------------|-----------------------------------------------|
 * | 57P03 the database system is starting up                      | down StartingUp                               |
 * | 57P03 the database system is shutting down                    | down ShuttingDown                             |
 * | 57P03 … in recovery mode, … not (yet) accepting connections   | down InRecovery                               |
 * | 57P03 anything else, also in another language (lc_messages)   | down NotServing                               |
 * | 57P01 terminated by the administrator                         | down ShuttingDown                             |
 * | 57P02 another server process crashed                          | down InRecovery: it restarts from its log     |
 * | 53xxx too many clients, reserved slots, out of memory         | Saturated, `saturatedIs`                      |
 * | none: a postmaster that cannot fork                           | Saturated, `saturatedIs`                      |
 * | 08P01 PgBouncer: max_client_conn and its kin                  | Saturated, `saturatedIs`                      |
 * | 08P01 PgBouncer, with the words of 57P03 or 53300 above       | as those: its server refused it so            |
 * | 08P01 PgBouncer: the database is disabled                     | down NotServing                               |
 * | 08xxx PgBouncer does not reach its server                     | down NotServing                               |
 * | 28xxx login refused: pg_hba, password, role; 08P01 PgBouncer: | up AuthRequired                               |
 * | password, user                                                |                                               |
 * | anything else (3D000 no such database, …)                     | up Responded: who asks is wrong, not the server |
 */
export function verdictOfError(error: ServerError, saturatedIs: PostgresHandler['saturatedIs']): Verdict {
  const { sqlstate, text, detail = '' } = error;
  // Without a SQLSTATE it is not certain who speaks: only what a postmaster says is told.
  if (sqlstate === '')
    return verdict(saturatedIs, 'Saturated', text.startsWith('could not fork') ? text : '');
  const told = [`${sqlstate} ${text}`, ...(sqlstate === '57P03' && detail !== '' ? [detail] : [])].join(': ');
  const cause = whyDown(sqlstate, saidBehind(text));
  if (cause !== undefined) return verdict('down', cause, told);
  if (isSaturated(sqlstate, saidBehind(text))) return verdict(saturatedIs, 'Saturated', told);
  if (refusesLogin(error)) return verdict('up', 'AuthRequired', told);
  if (sqlstate.startsWith('08') && poolerAlone.test(text)) return verdict('down', 'NotServing', told);
  return verdict('up', 'Responded', told);
}

/** Alive, and not for who asks. */
export function refusesLogin({ sqlstate, text }: ServerError): boolean {
  return sqlstate.startsWith('28') || (sqlstate === pooler && poolerRefuses.test(saidBehind(text)));
}

function whyDown(sqlstate: string, text: string): Reason | undefined {
  if (sqlstate === '57P03' || (sqlstate === pooler && text.startsWith(systemIs))) return notNow(text);
  if (sqlstate === '57P01') return 'ShuttingDown';
  return sqlstate === '57P02' ? 'InRecovery' : undefined;
}

function notNow(text: string): Reason {
  if (text.includes('starting up')) return 'StartingUp';
  if (text.includes('shutting down')) return 'ShuttingDown';
  if (/in recovery mode|not (yet )?accepting connections/.test(text)) return 'InRecovery';
  return 'NotServing';
}

/**
 * PgBouncer says all in its own name; of what its server told it when it logged in there, it passes on the words alone
 * (newer ones the SQLSTATE too, but not where they tell it again until they retry).
 */
const pooler = '08P01';
const toldAgain = /^server login has been failing, cached error: (.*) \(server_login_retry\)$/;
const saidBehind = (text: string): string => toldAgain.exec(text)?.[1] ?? text;
const systemIs = 'the database system is ';
const poolerFull =
  /no more connections allowed|client connections exceeded|too many (clients already|connections for (role|database) )|^remaining connection slots are reserved/;
const poolerAlone =
  /cannot connect to server|server login|server conn crashed|connect timeout|_wait_timeout|^database ".*" is disabled$/;
const poolerRefuses =
  /authentication failed|^no such user|login rejected|pg_hba\.conf|^role ".*" (does not exist|is not permitted to log in)$/;

function isSaturated(sqlstate: string, text: string): boolean {
  return sqlstate.startsWith('53') || (sqlstate === pooler && poolerFull.test(text));
}
