import type { KubeObject } from '../../core/kubernetes/objects.ts';
import type { Random } from '../../util/clock.ts';
import type { ApiRequest, KubeClient } from '../client/client.ts';
import type { ListResult } from './initial-events.ts';
import { pathOf } from '../client/resources.ts';
import type { Resource } from '../client/resources.ts';

export interface CollectionOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly random: Random;
  readonly resource: Resource;
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Returns the fields of an object that are needed. */
  readonly project: (raw: unknown) => T;
  /** Default 500. */
  readonly pageSize?: number;
}

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly unknown[] | null;
}

const listDeadlineMs = 60_000;
const openDeadlineMs = 15_000;
/** Short, because the connection may be dead. After a missed deadline the client opens new connections. */
const versionDeadlineMs = 5_000;

/**
 * Sends the requests for one collection of the API server. Each is one attempt; the caller decides about the
 * next.
 */
export class ListWatch<T extends KubeObject> {
  readonly #options: CollectionOptions<T>;

  constructor(options: CollectionOptions<T>) {
    this.#options = options;
  }

  /** Returns a consistent list. Without a resourceVersion it contains at least all earlier writes. */
  async list(signal: AbortSignal): Promise<ListResult<T>> {
    const { client, project, pageSize = 500 } = this.#options;
    const objects: T[] = [];
    let version = '';
    let from: string | undefined;
    do {
      const request = this.#request('list', { limit: pageSize, continue: from }, listDeadlineMs, signal);
      const page = (await client.request(request)) as List;
      for (const item of page.items ?? []) objects.push(project(item));
      version = page.metadata.resourceVersion;
      from = page.metadata.continue;
    } while (from !== undefined && from !== '');
    return { objects, version };
  }

  /** Returns the current version of the collection. */
  async version(signal: AbortSignal): Promise<string> {
    const request = this.#request('list', { limit: 1 }, versionDeadlineMs, signal);
    const page = (await this.#options.client.request(request)) as List;
    return page.metadata.resourceVersion;
  }

  /**
   * Opens a watch of the changes after that version. Without a version it is a full watch: it begins with all
   * objects (`InitialEvents`), which are as fresh as a list without a version and come in a third of its time
   * (measured). A watch lasts 5 to 10 minutes, so that not all watches end at once.
   */
  watch(resourceVersion: string | undefined, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const timeoutSeconds = 300 + Math.floor(this.#options.random() * 300);
    const all = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
    const query = { watch: true, allowWatchBookmarks: true, timeoutSeconds };
    const from = resourceVersion === undefined ? all : { resourceVersion };
    return this.#options.client.stream(this.#request('watch', { ...query, ...from }, openDeadlineMs, signal));
  }

  #request(verb: ApiRequest['verb'], query: ApiRequest['query'], deadlineMs: number, signal: AbortSignal) {
    const { resource, namespace, labelSelector } = this.#options;
    return {
      verb,
      resource: resource.plural,
      path: pathOf(resource, namespace),
      query: { labelSelector, ...query },
      attempts: 1,
      deadlineMs,
      signal,
    };
  }
}
