import type { Link } from './api/wire.ts';
import { recoverMs, type Act, type Which } from './history.ts';
import type { Replica } from './replica.ts';
import type { Scene } from './scene.ts';

type AtWrite = Extract<Act, { op: 'atWrite' }>;

/** Time for which a process is paused longer than its network is cut. */
const wakeMs = 300;

/** Processes of the operator: one in each place, replaced when it ends. */
export class Staff {
  readonly #scene: Scene;
  readonly #create: (index: number, incarnation: number) => Replica;
  readonly #replicas: Replica[] = [];
  #incarnations = 0;
  /** Write at which something happens to a replica. */
  #armed: { readonly replica: Replica; readonly act: AtWrite; left: number } | undefined;

  constructor(scene: Scene, create: (index: number, incarnation: number) => Replica) {
    this.#scene = scene;
    this.#create = create;
  }

  /** Called after a change outside. */
  changed: () => void = () => undefined;

  start(index: number): void {
    const replica = this.#create(index, this.#incarnations);
    this.#incarnations += 1;
    this.#replicas[index] = replica;
    replica.start();
  }

  indexOf(which: Which): number {
    if (which !== 'leader') return Math.min(which, this.#replicas.length - 1);
    return Math.max(
      0,
      this.#replicas.findIndex(({ leads }) => leads),
    );
  }

  link(which: Which, link: Link): () => void {
    const { wire } = this.#of(which);
    wire.link = link;
    return () => (wire.link = 'open');
  }

  lag(which: Which, lagMs: number): () => void {
    const { wire } = this.#of(which);
    wire.lagMs += lagMs;
    return () => void (wire.lagMs -= lagMs);
  }

  pause(which: Which): () => void {
    const { process } = this.#of(which);
    process.pause();
    return () => process.resume();
  }

  shiftWall(which: Which, ms: number): void {
    this.#of(which).process.shiftWall(ms);
  }

  stop(which: Which, forMs: number): void {
    const replica = this.#of(which);
    void replica.stop();
    // The kubelet kills what does not end in time.
    this.#scene.clock.after(forMs, () => {
      replica.kill();
      this.start(replica.index);
    });
  }

  /** SIGKILL. Another process starts in its place. */
  kill(which: Which, forMs: number): void {
    const replica = this.#of(which);
    if (!replica.process.isAlive) return;
    replica.kill();
    this.#scene.clock.after(forMs, () => this.start(replica.index));
  }

  arm(act: AtWrite): void {
    this.#armed = { replica: this.#of(act.replica), act, left: act.write };
  }

  /** Called for each write of a replica, when it is sent and after it is executed. */
  wrote(replica: Replica, when: 'before' | 'after'): void {
    const armed = this.#armed;
    if (armed?.replica !== replica || armed.act.when !== when) return;
    armed.left -= 1;
    if (armed.left <= 0) this.#strike(armed.act, replica);
  }

  #strike({ then, forMs }: AtWrite, { index }: Replica): void {
    this.#armed = undefined;
    this.#scene.disturbed(this.#scene.now + forMs + recoverMs);
    if (then === 'kill') {
      this.kill(index, forMs);
      return;
    }
    this.#scene.clock.after(forMs, this.pause(index));
    if (then === 'stall') this.#scene.clock.after(Math.max(0, forMs - wakeMs), this.link(index, 'cut'));
  }

  #of(which: Which): Replica {
    const replica = this.#replicas[this.indexOf(which)];
    if (replica === undefined) throw new Error(`no replica ${which}`);
    return replica;
  }
}
