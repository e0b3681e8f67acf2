import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { timedOut, verdict } from './classify.ts';
import type { Patience } from './patience.ts';

/** What a server that does not answer in time had been asked for last. */
export type Question = 'greeting' | 'answer to a stranger' | 'login' | 'query';

const said: Readonly<Record<Question, Verdict>> = {
  greeting: timedOut,
  'answer to a stranger': verdict(
    'down',
    'Timeout',
    'the login is not answered: the server hangs, or connection_control holds it back (give the probe credentials)',
  ),
  login: verdict(
    'down',
    'Timeout',
    'the login is not answered: the server hangs, or connection_control holds it back (check the credentials)',
  ),
  query: verdict('down', 'Timeout', 'the login succeeded, but a query is not answered'),
};

/** The answers that servers owe us, by address, port and account. */
export interface Owed {
  /** The verdict of who would ask while an answer is owed: that of who waits for it. Undefined: ask. */
  waitedFor(check: Check): Verdict | undefined;
  /** For a run that begins. `question`: asked once, when its time is up. */
  patience(check: Check, question: () => Question): Patience;
  /** A run of the check came to its end in time. */
  answered(check: Check): void;
}

/**
 * A server keeps a connection until it has answered, though nobody waits for it any more. Where it holds each answer back for
 * longer than the period, one connection per probe would take all its slots, and lock out its clients. So while one waits,
 * no other is opened.
 *
 * For how long one is waited for: a minute, and twice that after each that was left, up to an hour. A minute, for behind a
 * proxy the server that owes the answer may be dead and the next one healthy, and only the proxy could say so. Twice that,
 * for each that is left keeps its slot: of a delay that grows from nothing two wait at most while it is below an hour, of
 * one that is that long from the start seven.
 */
export function createOwed(firstMs = 60_000, lastMs = 3_600_000): Owed {
  const waiting = new Map<string, { readonly verdict: Verdict; readonly count: number }>();
  const patient = new WeakMap<Check, number>();
  return {
    waitedFor: (check) => (waiting.size === 0 ? undefined : waiting.get(keyOf(check))?.verdict),
    patience: (check, question) => {
      const forMs = patient.get(check) ?? firstMs;
      let key = '';
      return {
        forMs,
        begin: () => {
          key = keyOf(check);
          const own = said[question()];
          waiting.set(key, { verdict: own, count: (waiting.get(key)?.count ?? 0) + 1 });
          return own;
        },
        end: (isLeft) => {
          const { verdict: own = timedOut, count = 1 } = waiting.get(key) ?? {};
          if (count > 1) waiting.set(key, { verdict: own, count: count - 1 });
          else waiting.delete(key);
          if (isLeft) patient.set(check, Math.min(2 * forMs, lastMs));
        },
      };
    },
    answered: (check) => patient.delete(check),
  };
}

/** With the password: a new one is tried at once. */
function keyOf({ ip, port, handler }: Check): string {
  const { username = '', password = '' } = ('credentials' in handler ? handler.credentials : undefined) ?? {};
  return JSON.stringify([ip, port, username, password]);
}
