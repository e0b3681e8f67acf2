import type { Check, Credentials } from '../../core/probing/check.ts';
import { isSame } from '../../core/kubernetes/is-same.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { cancelled, verdict } from '../verdict/verdicts.ts';
import type { Linger } from '../connection/linger.ts';

/** Last request to a server that does not answer in time. */
export type PendingStep = 'greeting' | 'answer to a stranger' | 'login' | 'query';

const lateVerdicts: Readonly<Record<Exclude<PendingStep, 'greeting'>, Verdict>> = {
  'answer to a stranger': verdict(
    'down',
    'Timeout',
    'no reply to the login: the server hangs, or the connection_control plugin delays it (set spec.credentials)',
  ),
  login: verdict(
    'down',
    'Timeout',
    'no reply to the login: the server hangs, or the connection_control plugin delays it (check spec.credentials)',
  ),
  query: verdict('down', 'Timeout', 'the login succeeded, but there is no reply to a query'),
};

function lateVerdict(question: PendingStep, { timing }: Check): Verdict {
  if (question !== 'greeting') return lateVerdicts[question];
  return verdict('down', 'Timeout', `connected, but no greeting within ${String(timing.timeoutMs / 1000)} s`);
}

/**
 * Verdict of a check that had less than its timeout, because it waited for the answer to another check, and
 * got no answer.
 */
export const tooLate = verdict(
  'inconclusive',
  'ProberFault',
  'an earlier connection to the server was answered so late that too little time was left for this check',
);

/** Result of a wait for a late answer: a verdict, or the remaining time. */
export type WaitResult =
  { readonly verdict: Verdict } | { readonly leftMs: number; readonly isShort: boolean };

/** Outstanding answers of servers, by address, port and account. */
export interface OutstandingLogins {
  /**
   * Waits while an answer is outstanding, until the server has been silent for the timeout of this check,
   * whichever check made the request.
   *
   * | connection that waits                                   | result                                                |
   * |----------------------------------------------------------|-------------------------------------------------------|
   * | none                                                     | probe                                                 |
   * | waits for the timeout of this check or longer            | its verdict: this check would not have an answer either |
   * | gets its answer, and has the same handler                | the answer                                            |
   * | ends otherwise                                           | probe, in the remaining time; without any: inconclusive |
   */
  wait(check: Check, signal: AbortSignal): Promise<WaitResult>;
  /**
   * Returns how a run that begins lingers.
   *
   * @param question called once, at the timeout
   * @param leftMs remaining time of the timeout, in milliseconds
   */
  linger(check: Check, question: () => PendingStep, leftMs?: number): Linger;
  /** Records that a run of the check finished in time. */
  answered(check: Check): void;
}

/** Connection that waits for its answer. */
interface Waiting {
  readonly check: Check;
  readonly startedAt: number;
  readonly verdict: Verdict;
  readonly ended: Promise<Verdict | undefined>;
}

/**
 * Creates the register of outstanding answers. A server keeps a connection until it has answered, also when
 * the client no longer waits. If it delays each answer for longer than the period, one connection per probe
 * would take all its slots and lock out its clients. So while one connection waits, no other is opened.
 *
 * A connection waits for a minute, and for twice that after each one that was closed without an answer, up to
 * an hour. A minute, because behind a proxy the server with the outstanding answer may be dead and the next
 * one healthy, and only the proxy has this information. Twice that, because each closed connection keeps its
 * slot: with a delay that grows from zero at most two wait while it is below an hour, and with a delay of an
 * hour from the start seven.
 */
export function createOutstandingLogins(firstMs = 60_000, lastMs = 3_600_000): OutstandingLogins {
  const waiting = new Map<string, readonly Waiting[]>();
  const lingerMs = new WeakMap<Check, number>();
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
        const pending = first(check);
        const leftMs = deadline - performance.now();
        if (pending === undefined && leftMs < timeoutMs / 10) return { verdict: tooLate };
        if (pending === undefined) return { leftMs, isShort: true };
        const end = await endOf(pending, pending.startedAt + timeoutMs, signal);
        if (end === 'aborted') return { verdict: cancelled };
        if (end === 'silent') return { verdict: pending.verdict };
        if (end !== undefined && isSame(pending.check.handler, check.handler)) return { verdict: end };
      }
    },
    linger: (check, question, leftMs = check.timing.timeoutMs) => {
      const forMs = lingerMs.get(check) ?? firstMs;
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
          if (isLeft) lingerMs.set(check, Math.min(2 * forMs, lastMs));
          // The end of a connection without an answer is no sign for the next connection.
          resolve(isLeft || late?.kind === 'down' ? undefined : late);
        },
      };
    },
    answered: (check) => lingerMs.delete(check),
  };
}

/**
 * Waits until the server was silent for long enough. Returns the late verdict. Undefined: the connection
 * ended without one.
 */
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

/** Compares accounts including the password, so that a new password is tried at once. */
const isSameAccount = (a: Check, b: Check): boolean => isSame(accountOf(a), accountOf(b));

const accountOf = ({ handler }: Check): Credentials | undefined =>
  'credentials' in handler ? handler.credentials : undefined;
