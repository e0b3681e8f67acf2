import type { Status } from '../api/external-backend.ts';
import { OperatorError } from '../core/errors.ts';
import type { HealthyHosts } from '../core/healthy-hosts.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Clock, EventSink, Writer } from './ports.ts';
import { Flapping } from './flapping.ts';
import { Refusals } from './refusals.ts';
import { UnstoredWrites } from './unstored-writes.ts';

/** One life of a backend within one term: a namesake created later is another, and so is the same one in a later term. */
export interface Life {
  readonly uid: string;
  /** A run that is still under way has no effect any more. */
  over: boolean;
  generation: number | undefined;
  /** When this generation was first seen, monotonic. */
  seenAt: number;
  /** Transient failures in a row. */
  failures: number;
  /** The generation whose new Services were created first, or refused; and when that is tried again, monotonic. */
  triedFirst?: { readonly generation: number | undefined; readonly againAt: number } | undefined;
  /** Until when the status waits, monotonic; undefined: no slice was written since the last one. */
  statusAt?: number | undefined;
  /** When a status was last written that differed in words alone, monotonic. */
  rewordedAt?: number | undefined;
  /** Healthy hosts of an alias as of the last run. */
  hosts?: HealthyHosts | undefined;
  /** Addresses as of the last run. */
  addresses: readonly string[];
  /** The last run refused an address, or looked at none: another address policy may change that. */
  refused: boolean;
  /** Addresses that the API server refuses. */
  readonly refusals: Refusals;
  /** Bounds the writes of slices that only add. */
  readonly flapping: Flapping;
  /** Writes that the API server accepts and does not store. */
  readonly unstored: UnstoredWrites;
  /** A status whose write was given up under way, and the one before it: its Events are recorded once it is found written. */
  abandoned?: { readonly previous: Status | undefined; readonly status: Status } | undefined;
  /** Of the run in progress, or of the last one. */
  patience: AbortController;
}

export interface LivesOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Told of a life that is over, while the key still has it. */
  readonly onEnd: (key: string, uid: string) => void;
}

/** The lives of the backends that the reconciler works for, each under its key. */
export class Lives {
  readonly #options: LivesOptions;
  readonly #lives = new Map<string, Life>();
  /** uid -> key. */
  readonly #keys = new Map<string, string>();

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** The key of a backend by its uid; undefined: not known (any more). */
  keyOf(uid: string): string | undefined {
    return this.#keys.get(uid);
  }

  /** Keys of the lives for which the predicate holds. */
  keysOf(predicate: (life: Life) => boolean): readonly string[] {
    return [...this.#lives].flatMap(([key, life]) => (predicate(life) ? [key] : []));
  }

  /** The life that goes on with this object, or begins with it; a namesake's before it ends. */
  enter(key: string, { metadata }: KubeObject): Life {
    const { uid = '', generation } = metadata;
    const known = this.#lives.get(key);
    const seenAt = this.#options.clock.now();
    if (known?.uid === uid) {
      if (known.generation !== generation) Object.assign(known, { generation, seenAt });
      return known;
    }
    this.end(key);
    const life = {
      ...{ uid, generation, seenAt },
      ...{ addresses: [], refused: false },
      ...{ over: false, failures: 0, patience: new AbortController() },
      ...{ refusals: new Refusals(), unstored: new UnstoredWrites(), flapping: new Flapping() },
    };
    this.#lives.set(key, life);
    this.#keys.set(uid, key);
    return life;
  }

  /** Returns true where the life of this key has seen this generation of the object, also where there is none. */
  hasSeen(key: string, object: KubeObject | undefined): boolean {
    const life = this.#lives.get(key);
    if (life === undefined) return true;
    return life.uid === object?.metadata.uid && life.generation === object.metadata.generation;
  }

  end(key: string): void {
    const life = this.#lives.get(key);
    if (life === undefined) return;
    life.over = true;
    life.patience.abort();
    this.#options.onEnd(key, life.uid);
    this.#lives.delete(key);
    this.#keys.delete(life.uid);
  }

  endAll(): void {
    for (const key of [...this.#lives.keys()]) this.end(key);
  }

  /** What the run in progress still waits to write is given up. */
  hurry(key: string): void {
    this.#lives.get(key)?.patience.abort();
  }
}

/** Writer of the run that begins: gives up what waits when the backend is hurried, and writes nothing once the life is over. */
export function patientWriter(life: Life, writer: Writer): Writer {
  life.patience = new AbortController();
  const { signal } = life.patience;
  return {
    perform: (action) => (life.over ? Promise.reject(superseded()) : writer.perform(action, signal)),
  };
}

const superseded = (): OperatorError =>
  new OperatorError('the term or the resource of this run is over', {
    kind: 'waiting',
    reason: 'Superseded',
  });

/** Events of a life: none once it is over. */
export const livingEvents = (life: Life, events: EventSink): EventSink => ({
  record: (backend, event) => {
    if (!life.over) events.record(backend, event);
  },
});
