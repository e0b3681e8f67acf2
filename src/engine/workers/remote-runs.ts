import type { Check } from '../../core/probing/check.ts';
import type { BareVerdict } from '../../core/probing/verdict.ts';
import { lostRun } from './prober-thread.ts';
import type { ProberReport, SendCommand } from './prober-messages.ts';

const cancelledRun: BareVerdict = { kind: 'inconclusive', reason: 'Cancelled' };

/** Single runs that one probe thread performs for the main thread. A run ends when it is aborted, whatever the thread does. */
export class RemoteRuns {
  readonly #send: SendCommand;
  readonly #pending = new Map<number, (verdict: BareVerdict) => void>();
  #lastRun = 0;

  constructor(send: SendCommand) {
    this.#send = send;
  }

  /** Never rejects. */
  run(check: Check, signal: AbortSignal): Promise<BareVerdict> {
    if (signal.aborted) return Promise.resolve(cancelledRun);
    this.#lastRun += 1;
    const run = this.#lastRun;
    const abort = (): void => {
      this.#send({ op: 'abort', run });
      this.#pending.get(run)?.(cancelledRun);
    };
    const { promise, resolve } = Promise.withResolvers<BareVerdict>();
    this.#pending.set(run, resolve);
    signal.addEventListener('abort', abort, { once: true });
    this.#send({ op: 'probe', run, check });
    return promise.finally(() => {
      this.#pending.delete(run);
      signal.removeEventListener('abort', abort);
    });
  }

  receive({ run, verdict }: Extract<ProberReport, { op: 'probed' }>): void {
    this.#pending.get(run)?.(verdict);
  }

  /** Ends all runs without evidence, because the thread has ended. */
  clear(): void {
    for (const resolve of this.#pending.values()) resolve(lostRun);
    this.#pending.clear();
  }

  /** Aborts all runs. */
  abort(): void {
    for (const run of this.#pending.keys()) this.#send({ op: 'abort', run });
    this.clear();
  }
}
