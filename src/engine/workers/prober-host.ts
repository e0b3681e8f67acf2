import type { Check, Handler } from '../../core/probing/check.ts';
import { withoutRuns } from '../../core/health/thresholds.ts';
import type { Health } from '../../core/health/state.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { LocalProber, type LocalProberOptions } from '../probing/local-prober.ts';
import type { ProbeFn } from '../ports.ts';
import { HostedRuns } from './hosted-runs.ts';
import type { ProberCommand, ProberSetCommand, SendReport, SentCheck } from './prober-messages.ts';
import type { RunBoard } from './run-board.ts';

export interface ProberHostOptions extends Pick<LocalProberOptions, 'clock' | 'random' | 'limits' | 'tally'> {
  /** Creates the probe. `foreign` has the main thread perform runs that this thread cannot. */
  readonly createProbe: (foreign: ProbeFn) => ProbeFn;
  readonly board: RunBoard;
  readonly send: SendReport;
  /** Called when all runs have ended after a `stop`. */
  readonly onStopped: () => void;
}

/** The text of an error may quote what a server sent. */
const MAX_FAULT_TEXT = 500;

interface HostedCheck {
  readonly ref: number;
  readonly owner: string;
  check: Check;
  version: number;
}

/** The probe thread's side: a LocalProber that is controlled by commands and sends reports. */
export class ProberHost {
  readonly #options: ProberHostOptions;
  readonly #prober: LocalProber;
  readonly #runs: HostedRuns;
  readonly #handlers = new Map<number, Handler>();
  readonly #byRef = new Map<number, HostedCheck>();
  /** Owner -> id of the check. */
  readonly #owners = new Map<string, Map<string, HostedCheck>>();
  readonly #questions = new Map<number, (verdict: Verdict) => void>();
  #lastQuestion = 0;

  constructor(options: ProberHostOptions) {
    this.#options = options;
    const { clock, random, limits, tally, createProbe, send, board } = options;
    this.#prober = new LocalProber({
      ...{ clock, random, limits, tally },
      probe: createProbe((check, signal) => this.#delegate(check, signal)),
      places: {
        take: (place, owner, checkId) => board.put(place, this.#hosted(owner, checkId)?.ref ?? 0),
        free: (place, last) => board.free(place, last),
      },
      onChanged: (owner, check, _, after) => this.#report(owner, check, after, true),
      onConfirmed: (owner, check, health) => this.#report(owner, check, health, false),
      onNotable: (owner, check, { detectedProtocol, certificateExpiresAt }) => {
        const ref = this.#hosted(owner, check.id)?.ref;
        const verdict = {
          ...(detectedProtocol !== undefined && { detectedProtocol }),
          ...(certificateExpiresAt !== undefined && { certificateExpiresAt }),
        };
        if (ref !== undefined) send({ op: 'notable', ref, verdict });
      },
      onCost: (owner, { id }, cost) => {
        const ref = this.#hosted(owner, id)?.ref;
        if (ref !== undefined) send({ op: 'cost', ref, cost });
      },
      onHeld: (owner, { id }, run) => {
        const ref = this.#hosted(owner, id)?.ref;
        if (ref !== undefined) send({ op: 'held', ref, run });
      },
      onSettled: (owner, { id }) => {
        const ref = this.#hosted(owner, id)?.ref;
        if (ref !== undefined) send({ op: 'settled', ref });
      },
      onPath: (path) => send({ op: 'path', path }),
      onFault: (error, checkId) =>
        send({ op: 'fault', checkId, text: String(error).slice(0, MAX_FAULT_TEXT) }),
    });
    this.#runs = new HostedRuns(this.#prober.probeOnce, send);
  }

  receive(command: ProberCommand): void {
    switch (command.op) {
      case 'handler':
        this.#handlers.set(command.handlerId, command.handler);
        break;
      case 'forget':
        this.#handlers.delete(command.handlerId);
        break;
      case 'set':
        this.#set(command);
        break;
      case 'restore':
        this.#restore(command);
        break;
      case 'release':
        this.#release(command.ref);
        break;
      case 'probe':
      case 'abort':
        this.#runs.receive(command);
        break;
      case 'answer':
        this.#questions.get(command.question)?.(command.verdict);
        break;
      default:
        this.#control(command);
    }
  }

  #control(command: Extract<ProberCommand, { op: 'recount' | 'watch' | 'start' | 'stop' }>): void {
    const { onStopped } = this.#options;
    if (command.op === 'recount') this.#prober.recount();
    else if (command.op === 'watch') this.#prober.watch(command.ips, command.since);
    else if (command.op === 'start') this.#prober.start();
    else void this.#prober.stop().then(onStopped, onStopped);
  }

  /** Returns the checks of an owner, with their health. */
  all(owner: string): readonly { readonly id: string; readonly health: Health | undefined }[] {
    const healthOf = this.#prober.healthOf(owner);
    return [...(this.#owners.get(owner)?.keys() ?? [])].map((id) => ({ id, health: healthOf(id) }));
  }

  #hosted(owner: string, checkId: string): HostedCheck | undefined {
    return this.#owners.get(owner)?.get(checkId);
  }

  #set({ owner, namespace, drop, put, withinMs }: ProberSetCommand): void {
    const checks = this.#owners.get(owner) ?? new Map<string, HostedCheck>();
    this.#owners.set(owner, checks);
    for (const ref of drop) this.#drop(ref, checks);
    const fresh = new Set<string>();
    for (const sent of put) {
      this.#put(owner, sent, checks);
      if (sent.fresh) fresh.add(sent.check.id);
    }
    if (checks.size > 0) {
      const isFresh = ({ id }: Check): boolean => fresh.has(id);
      const all = [...checks.values()].map(({ check }) => check);
      this.#prober.set(owner, all, { namespace, fresh: isFresh, withinMs });
    } else {
      this.#owners.delete(owner);
      this.#prober.forget(owner);
    }
  }

  #drop(ref: number, checks: Map<string, HostedCheck>): void {
    const known = this.#byRef.get(ref);
    this.#byRef.delete(ref);
    if (known !== undefined && checks.get(known.check.id) === known) checks.delete(known.check.id);
  }

  #put(owner: string, sent: SentCheck, checks: Map<string, HostedCheck>): void {
    const { ref, handlerId, health, version } = sent;
    const handler = this.#handlers.get(handlerId);
    if (handler === undefined) return;
    const check: Check = { ...sent.check, handler };
    const known = this.#byRef.get(ref);
    if (known !== undefined) {
      known.check = check;
      return;
    }
    const hosted = { ref, owner, check, version };
    this.#byRef.set(ref, hosted);
    checks.set(check.id, hosted);
    if (health !== undefined) this.#prober.restore(owner, check.id, health);
  }

  #restore({ ref, health, version }: Extract<ProberCommand, { op: 'restore' }>): void {
    const hosted = this.#byRef.get(ref);
    if (hosted === undefined) return;
    const { owner, check } = hosted;
    hosted.version = version;
    this.#prober.restore(owner, check.id, health);
    const now = this.#prober.healthOf(owner)(check.id);
    if (now !== undefined) this.#report(owner, check, now, now !== health);
  }

  #release(ref: number): void {
    const hosted = this.#byRef.get(ref);
    if (hosted !== undefined) this.#prober.release(hosted.owner, hosted.check.id);
  }

  #report(owner: string, check: Check, health: Health, changed: boolean): void {
    const hosted = this.#hosted(owner, check.id);
    if (hosted === undefined) return;
    const { ref, version } = hosted;
    this.#options.send({ op: 'health', ref, version, health: withoutRuns(health), changed });
  }

  /** Has the main thread perform a run. */
  #delegate(check: Check, signal: AbortSignal): Promise<Verdict> {
    const { send } = this.#options;
    this.#lastQuestion += 1;
    const question = this.#lastQuestion;
    const cancel = (): void => send({ op: 'cancel', question });
    return new Promise<Verdict>((resolve) => {
      this.#questions.set(question, resolve);
      signal.addEventListener('abort', cancel, { once: true });
      send({ op: 'ask', question, check });
    }).finally(() => {
      this.#questions.delete(question);
      signal.removeEventListener('abort', cancel);
    });
  }
}
