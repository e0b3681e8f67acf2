import { reported } from '../core/logins.ts';
import type { Reason, Verdict } from '../core/verdict.ts';
import { verdict } from './classify.ts';
import type { Probe } from './probe.ts';

/**
 * Subject of an error of a server.
 *
 * - `server`: every client gets it, applications included.
 * - `account`: this account gets it: limits, rights and settings of the account, a database that is not there, a question that
 *   the server does not answer.
 * - `login`: the account is refused, or every client without a login is.
 */
export type Subject = 'server' | 'account' | 'login';

type Row = Readonly<Record<Subject, readonly [without: 'down' | Reason, withCredentials: 'down' | Reason]>>;

const down = ['down', 'down'] as const;
const required = ['AuthRequired', 'AuthFailed'] as const;
const responded = ['Responded', 'AuthFailed'] as const;

/**
 * The verdict on a server that answers with an error: by handler and stage, by what the error is about, and without and with
 * credentials. `down` has the reason of the error; any other reason is up. An error about the account removes no address.
 *
 * Not in the table: a server that is full for everybody is Saturated, of the kind that `saturatedIs` has; silence, a closed
 * connection and another protocol are down in every stage; and what is up without a role is decided by `reported`.
 * What an error is about: postgres-errors.ts, mysql-errors.ts, redis.ts and mongodb-hello.ts.
 */
export const loginRule = {
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

export type Stage = keyof typeof loginRule;

/** How far a conversation got, and whether with credentials. */
export interface At {
  readonly stage: Stage;
  readonly logsIn: boolean;
}

/** Returns the verdict on an error that is about the account. */
export function refusal({ stage, logsIn }: At, subject: 'account' | 'login', message: string): Verdict {
  return verdict('up', loginRule[stage][subject][logsIn ? 1 : 0], message);
}

/** The probe, whose verdicts report what they mean for roles. */
export function reporting(probe: Probe): Probe {
  return async (check, signal, meter) => reported(check.handler, await probe(check, signal, meter));
}
