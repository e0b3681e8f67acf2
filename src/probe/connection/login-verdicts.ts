import { withLoginReason } from '../../core/probing/login-reasons.ts';
import type { Reason } from '../../core/probing/reasons.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { verdict } from '../verdict/verdicts.ts';
import type { Probe } from './probe.ts';

/**
 * Subject of an error of a server.
 *
 * - `server`: every client gets the error, including applications.
 * - `account`: this account gets the error: its limits, rights and settings, a database that does not exist,
 *   a query that the server does not answer.
 * - `login`: the account is refused, or every client without a login.
 */
export type ErrorSubject = 'server' | 'account' | 'login';

type Row = Readonly<
  Record<ErrorSubject, readonly [without: 'down' | Reason, withCredentials: 'down' | Reason]>
>;

const down = ['down', 'down'] as const;
const required = ['AuthRequired', 'AuthFailed'] as const;
const responded = ['Responded', 'AuthFailed'] as const;

/**
 * Verdicts of servers that answer with an error: by handler and stage, by subject of the error, without and
 * with credentials. `down` has the reason of the error; any other reason is up. An error about the account
 * removes no address.
 *
 * Not in the table: a server that is full for all clients is Saturated, of the kind in `saturatedIs`.
 * Silence, a closed connection and another protocol are down in every stage. `withLoginReason` decides on verdicts
 * that are up without a role. The subject of an error is in postgres-errors.ts, mysql-errors.ts, redis.ts and
 * mongodb-hello.ts.
 */
export const loginVerdicts = {
  'postgres startup': { server: down, account: responded, login: required },
  'postgres query': { server: down, account: responded, login: required },
  'mysql greeting': { server: down, account: required, login: required },
  'mysql login': { server: down, account: required, login: required },
  'mysql query': { server: down, account: required, login: required },
  'redis AUTH': { server: down, account: required, login: required },
  'redis PING': { server: down, account: required, login: required },
  'redis INFO': { server: down, account: responded, login: responded },
  'mongodb hello': { server: down, account: required, login: required },
} as const satisfies Readonly<Record<string, Row>>;

export type LoginStage = keyof typeof loginVerdicts;

/** Stage that an exchange reached, and whether it has credentials. */
export interface LoginProgress {
  readonly stage: LoginStage;
  readonly logsIn: boolean;
}

/** Returns the verdict of an error about the account or the login. */
export function refusalVerdict(
  { stage, logsIn }: LoginProgress,
  subject: 'account' | 'login',
  message: string,
): Verdict {
  return verdict('up', loginVerdicts[stage][subject][logsIn ? 1 : 0], message);
}

/** Adds to the verdicts of a probe their meaning for roles. */
export function reporting(probe: Probe): Probe {
  return async (check, signal, meter) => withLoginReason(check.handler, await probe(check, signal, meter));
}
