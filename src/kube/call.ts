import { supersededError } from './errors.ts';
import type { ViewKind } from './view.ts';

/** Where answers go: `KubeView`. */
export interface AnswerSink {
  put(kind: ViewKind, namespace: string, raw: unknown, own?: boolean): void;
  found(kind: ViewKind, namespace: string, raw: unknown, own?: boolean): void;
  remove(kind: ViewKind, namespace: string, name: string, uid: string, own?: boolean): void;
}

/** One action that is performed: whether it is still waited for, and where its answers go. */
export class Call implements AnswerSink {
  readonly patience: AbortSignal | undefined;
  /** The term in which it was begun. */
  readonly term: number | undefined;
  readonly #view: AnswerSink;
  /** Nobody waits for it any more: what it comes to is a change that its owner must hear of. */
  #left = false;

  constructor(view: AnswerSink, patience: AbortSignal | undefined, term: number | undefined) {
    this.#view = view;
    this.patience = patience;
    this.term = term;
  }

  /** Resolves or rejects with what is done; rejects (`waiting`, Superseded) once patience is over, while it goes on. */
  unlessSuperseded<T>(done: Promise<T>, what: string, onLeft?: () => void): Promise<T> {
    const { patience } = this;
    if (patience === undefined) return done;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const leave = () => {
      this.#left = true;
      onLeft?.();
      reject(supersededError({ verb: 'write', resource: what }));
    };
    done.then(resolve, reject).finally(() => patience.removeEventListener('abort', leave));
    if (patience.aborted) leave();
    else patience.addEventListener('abort', leave, { once: true });
    return promise;
  }

  put(...[kind, namespace, raw]: Parameters<AnswerSink['put']>): void {
    this.#view.put(kind, namespace, raw, !this.#left);
  }

  found(...[kind, namespace, raw]: Parameters<AnswerSink['found']>): void {
    this.#view.found(kind, namespace, raw, !this.#left);
  }

  remove(...[kind, namespace, name, uid]: Parameters<AnswerSink['remove']>): void {
    this.#view.remove(kind, namespace, name, uid, !this.#left);
  }
}
