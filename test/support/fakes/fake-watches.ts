import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { isSelected, sent, type FakeApi, type Place } from './fake-api.ts';

/** Change of one object, at a version of the server. */
export interface Logged {
  readonly version: number;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

export interface WatchRequest {
  readonly place: Place;
  readonly labelSelector?: string | undefined;
  /** Version after which it begins; undefined: it begins with all objects. */
  readonly from: string | undefined;
}

type WatchListener = (line: string) => void;

interface Open extends WatchRequest {
  readonly send: WatchListener;
}

/**
 * Watches of the fake API server. Events of one watch are in the order of the writes; those of two watches
 * have no common order.
 */
export class FakeWatches {
  readonly #api: FakeApi;
  readonly #log: Logged[] = [];
  readonly #open = new Set<Open>();
  /** Called after each change. */
  onChange: (change: Logged) => void = () => undefined;

  constructor(api: FakeApi) {
    this.#api = api;
    api.cluster.onChange = (before, after) => {
      const change = { version: Number(api.cluster.version), before, after };
      this.#log.push(change);
      this.onChange(change);
      for (const watch of this.#open) tell(watch, change);
    };
  }

  /** Opens a watch: `send` gets its lines. Returns a function that ends it. */
  open(request: WatchRequest, send: WatchListener): () => void {
    const watch = { ...request, send };
    if (request.from === undefined) this.#initial(watch);
    else for (const change of this.#log) if (change.version > Number(request.from)) tell(watch, change);
    this.#open.add(watch);
    return () => void this.#open.delete(watch);
  }

  /** Sends a bookmark to every watch, as the API server does once a minute. */
  bookmark(): void {
    for (const { send, place } of this.#open) send(bookmarkOf(place.kind, this.#api.cluster.version));
  }

  #initial({ place, labelSelector, send }: Open): void {
    for (const object of this.#api.list(place, labelSelector)) send(lineOf('ADDED', object));
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    send(bookmarkOf(place.kind, this.#api.cluster.version, annotations));
  }
}

/** Sends a change as the selector of the watch shows it. */
function tell({ place, labelSelector, send }: Open, { before, after, version }: Logged): void {
  const { kind, metadata } = (after ?? before) as KubeObject;
  if (kind !== place.kind || (place.namespace !== '' && place.namespace !== metadata.namespace)) return;
  const [was, is] = [before, after].map((side) => side !== undefined && isSelected(side, labelSelector));
  if (is === true && after !== undefined) send(lineOf(was === true ? 'MODIFIED' : 'ADDED', sent(after)));
  else if (was === true && before !== undefined) send(deletedLine(sent(before), `${version}`));
}

const lines = new WeakMap<KubeObject, Map<string, string>>();

function lineOf(type: string, object: KubeObject): string {
  const known = lines.get(object) ?? new Map<string, string>();
  lines.set(object, known);
  const line = known.get(type) ?? `${JSON.stringify({ type, object })}\n`;
  known.set(type, line);
  return line;
}

const deletedLine = (object: KubeObject, resourceVersion: string): string =>
  `${JSON.stringify({ type: 'DELETED', object: { ...object, metadata: { ...object.metadata, resourceVersion } } })}\n`;

const bookmarkOf = (kind: string, resourceVersion: string, annotations = {}): string =>
  `${JSON.stringify({ type: 'BOOKMARK', object: { kind, metadata: { resourceVersion, annotations } } })}\n`;
