import type { ProbeOnceFn } from '../ports.ts';
import type { ProberCommand, SendReport } from './prober-messages.ts';

/** The probe thread's side of `RemoteRuns`. */
export class HostedRuns {
  readonly #probe: ProbeOnceFn;
  readonly #send: SendReport;
  readonly #runs = new Map<number, AbortController>();

  constructor(probe: ProbeOnceFn, send: SendReport) {
    this.#probe = probe;
    this.#send = send;
  }

  receive(command: Extract<ProberCommand, { op: 'probe' | 'abort' }>): void {
    if (command.op === 'probe') void this.#run(command);
    else this.#runs.get(command.run)?.abort();
  }

  async #run({ run, check }: Extract<ProberCommand, { op: 'probe' }>): Promise<void> {
    const controller = new AbortController();
    this.#runs.set(run, controller);
    const verdict = await this.#probe(check, controller.signal);
    this.#runs.delete(run);
    this.#send({ op: 'probed', run, verdict });
  }
}
