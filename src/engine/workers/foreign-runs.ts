import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { thrownFault } from '../probing/in-flight.ts';
import type { ProbeFn } from '../ports.ts';
import type { ProberReport, SendCommand } from './prober-messages.ts';

type Question = Extract<ProberReport, { op: 'ask' }>;

/** Runs of one probe thread that the main thread performs, because the probe thread cannot. */
export class ForeignRuns {
  readonly #probe: ProbeFn;
  readonly #send: SendCommand;
  readonly #runs = new Map<number, AbortController>();

  constructor(probe: ProbeFn, send: SendCommand) {
    this.#probe = probe;
    this.#send = send;
  }

  receive(report: Question | Extract<ProberReport, { op: 'cancel' }>): void {
    if (report.op === 'ask') this.#start(report);
    else this.#runs.get(report.question)?.abort();
  }

  /** Aborts all runs, because the thread that requested them has ended. */
  clear(): void {
    for (const controller of this.#runs.values()) controller.abort();
    this.#runs.clear();
  }

  #start({ question, check }: Question): void {
    const controller = new AbortController();
    this.#runs.set(question, controller);
    void this.#run(check, controller.signal).then((verdict) => {
      if (this.#runs.get(question) !== controller) return;
      this.#runs.delete(question);
      this.#send({ op: 'answer', question, verdict });
    });
  }

  async #run(check: Check, signal: AbortSignal): Promise<Verdict> {
    try {
      return await this.#probe(check, signal);
    } catch {
      return thrownFault;
    }
  }
}
