import type { Check, Credentials } from '../core/check.ts';
import { isSame } from '../core/same.ts';
import type { Verdict } from '../core/verdict.ts';
import { cancelled, verdict } from './classify.ts';
import type { Patience } from './patience.ts';

/** What a server that does not answer in time had been asked for last. */
export type Question = 'greeting' | 'answer to a stranger' | 'login' | 'query';

const said: Readonly<Record<Exclude<Question, 'greeting'>, Verdict>> = {
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

function lateVerdict(question: Question, { timing }: Check): Verdict {
  if (question !== 'greeting') return said[question];
  return verdict('down', 'Timeout', `connected, but no greeting within ${String(timing.timeoutMs / 1000)} s`);
}

/** Verdict of a check that had less than its timeout, because it waited for another one's answer, and got none. */
export const tooLate = verdict(
  'inconclusive',
  'ProberFault',
  'the server answered another check so late that too little of the timeout was left for this one',
);

/** Next step after a wait for a late answer. */
export type Waited = { readonly verdict: Verdict } | { readonly leftMs: number; readonly isShort: boolean };

/** The answers that servers owe us, by address, port and account. */
export interface Owed {
  /**
   * While an answer is owed, waits for it: until the server has been silent for the timeout of this check, whoever asked it.
   *
   * | the connection that waits                               | result                                                |
   * |----------------------------------------------------------|-------------------------------------------------------|
   * | none                                                     | ask                                                   |
   * | has waited for the timeout of this check, or does so now | its verdict: this check would have had no answer either |
   * | is answered, asked in the same way                       | the answer                                            |
   * | ends otherwise                                           | ask, in the time that is left; none: inconclusive     |
   */
  wait(check: Check, signal: AbortSignal): Promise<Waited>;
  /**
   * For a run that begins.
   *
   * @param question called once, when its time is up
   * @param leftMs what is left of its timeout
   */
  patience(check: Check, question: () => Question, leftMs?: number): Patience;
  /** A run of the check came to its end in time. */
  answered(check: Check): void;
}

/** A connection that waits for its answer. */
interface Waiting {
  readonly check: Check;
  readonly startedAt: number;
  readonly verdict: Verdict;
  readonly ended: Promise<Verdict | undefined>;
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
  const waiting = new Map<string, readonly Waiting[]>();
  const patient = new WeakMap<Check, number>();
  const first = (check: Check) => waiting.get(keyOf(check))?.find((each) => isSameAccount(each.check, check));
  const remove = (gone: Waiting | undefined, key: string): void => {
    const left = (waiting.get(key) ?? []).filter((each) => each !== gone);
    if (left.length > 0) waiting.set(key, left);
    else waiting.delete(key);
  };
  return {
    wait: async (check, signal) => {
      const { timeoutMs } = check.timing;
      if (first(check) === undefined) return { leftMs: timeoutMs, isShort: false };
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const owed = first(check);
        const leftMs = deadline - performance.now();
        if (owed === undefined && leftMs < timeoutMs / 10) return { verdict: tooLate };
        if (owed === undefined) return { leftMs, isShort: true };
        const end = await endOf(owed, owed.startedAt + timeoutMs, signal);
        if (end === 'aborted') return { verdict: cancelled };
        if (end === 'silent') return { verdict: owed.verdict };
        if (end !== undefined && isSame(owed.check.handler, check.handler)) return { verdict: end };
      }
    },
    patience: (check, question, leftMs = check.timing.timeoutMs) => {
      const forMs = patient.get(check) ?? firstMs;
      const startedAt = performance.now() - (check.timing.timeoutMs - leftMs);
      const key = keyOf(check);
      const { promise: ended, resolve } = Promise.withResolvers<Verdict | undefined>();
      let own: Waiting | undefined;
      return {
        withinMs: leftMs,
        forMs,
        begin: () => {
          own = { check, startedAt, verdict: lateVerdict(question(), check), ended };
          waiting.set(key, [...(waiting.get(key) ?? []), own]);
          return own.verdict;
        },
        end: (isLeft, late) => {
          remove(own, key);
          if (isLeft) patient.set(check, Math.min(2 * forMs, lastMs));
          // The end of a connection that was not answered is no news of the next one.
          resolve(isLeft || late?.kind === 'down' ? undefined : late);
        },
      };
    },
    answered: (check) => patient.delete(check),
  };
}

/** Waits until the server was silent for long enough. The late verdict; undefined: the connection ended without one. */
async function endOf(
  { ended }: Waiting,
  silentAt: number,
  signal: AbortSignal,
): Promise<Verdict | 'silent' | 'aborted' | undefined> {
  const ms = silentAt - performance.now();
  if (signal.aborted) return 'aborted';
  if (ms <= 0) return 'silent';
  const { promise, resolve } = Promise.withResolvers<'silent' | 'aborted'>();
  const timer = setTimeout(() => resolve('silent'), ms);
  const abort = (): void => resolve('aborted');
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([ended, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

const keyOf = ({ ip, port }: Check): string => `${ip} ${port}`;

/** With the password: a new one is tried at once. */
const isSameAccount = (a: Check, b: Check): boolean => isSame(accountOf(a), accountOf(b));

const accountOf = ({ handler }: Check): Credentials | undefined =>
  'credentials' in handler ? handler.credentials : undefined;
