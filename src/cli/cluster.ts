import { parseDurationMs } from '../config/values.ts';
import { KubeClient, type ApiRequest } from '../kube/client/client.ts';
import { ApiCredentials, type ApiConnection, type ApiConnections } from '../kube/client/credentials.ts';
import { hasStatus } from '../kube/client/errors.ts';
import { pathOf, resources } from '../kube/client/resources.ts';
import { systemClock as clock, systemRandom as random } from '../system-clock.ts';
import { version } from '../version.ts';
import { clusterConfig, namespaceOf } from './cluster-config.ts';
import type { FlagValues } from './command.ts';
import { explainedError, type ErrorPlace } from './explained-error.ts';
import type { OperatorLease } from './leader.ts';
import type { BackendNotice, StoredBackend } from './report.ts';
import type { Surroundings } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface BackendQuery {
  readonly allNamespaces?: boolean;
  readonly selector?: string | undefined;
}

/** Reads what the commands need from the API server. All failures are errors with a next step. */
export interface Cluster {
  readonly namespace: string;
  backends(query: BackendQuery): Promise<readonly StoredBackend[]>;
  backend(name: string): Promise<StoredBackend>;
  /** Undefined: there is none. Throws if it cannot be read. */
  lease(namespace: string, name: string): Promise<OperatorLease | undefined>;
  events(name: string): Promise<readonly BackendNotice[]>;
  /** Sets annotations; null removes one. Fails if the backend has changed since it was read. */
  annotate(backend: StoredBackend, annotations: Readonly<Record<string, string | null>>): Promise<void>;
  close(): Promise<void>;
}

interface List<T> {
  readonly items?: readonly T[] | null;
}

/** Opens no connection yet. */
export function openCluster(
  flags: FlagValues,
  env: Surroundings['env'],
  defaults: { readonly deadlineMs?: number } = {},
): Cluster {
  const config = clusterConfig(flags, env);
  const namespace = namespaceOf(flags, config);
  const credentials = impersonating(new ApiCredentials(() => clusterConfig(flags, env), clock), flags);
  const client = new KubeClient({
    ...{ credentials, clock, random, userAgent: `kubectl-external_backend/${version}` },
  });
  const server = config.getCurrentCluster()?.server ?? '';
  const send = senderOf(client, deadlineOf(flags) ?? defaults.deadlineMs, { server, namespace });
  return { namespace, ...operationsOf(send, namespace), close: () => client.close() };
}

type Send = <T>(request: ApiRequest) => Promise<T>;

/** Returns a function that sends a request once. Its errors have a next step. */
const senderOf =
  (client: KubeClient, deadlineMs: number | undefined, place: Omit<ErrorPlace, 'name'>): Send =>
  async <T>(request: ApiRequest) => {
    try {
      const limits = { attempts: 1, ...(deadlineMs !== undefined && { deadlineMs }) };
      return (await client.request({ ...limits, ...request })) as T;
    } catch (error) {
      throw explainedError(error, { ...place, name: request.name });
    }
  };

function operationsOf(send: Send, namespace: string): Omit<Cluster, 'namespace' | 'close'> {
  const ofBackend = (name: string) => ({
    ...{ resource: 'externalbackends', name, path: pathOf(resources.ExternalBackend, namespace, name) },
  });
  return {
    backends: async ({ allNamespaces = false, selector }) => {
      const path = pathOf(resources.ExternalBackend, allNamespaces ? undefined : namespace);
      const query = { labelSelector: selector };
      const request = { verb: 'list', resource: 'externalbackends', path, query } as const;
      return (await send<List<StoredBackend>>(request)).items ?? [];
    },
    backend: (name) => send({ verb: 'get', ...ofBackend(name) }),
    lease: async (leaseNamespace, name) => {
      const path = pathOf(resources.Lease, leaseNamespace, name);
      try {
        return await send<OperatorLease>({ verb: 'get', resource: 'leases', name, path });
      } catch (error) {
        if (isAnswer(error, 404)) return undefined;
        throw error;
      }
    },
    events: async (name) => {
      const query = { fieldSelector: `regarding.kind=ExternalBackend,regarding.name=${name}` };
      const path = pathOf(resources.Event, namespace);
      const request = { verb: 'list', resource: 'events', path, query } as const;
      return (await send<List<BackendNotice>>(request)).items ?? [];
    },
    annotate: async ({ metadata: { name, resourceVersion } }, annotations) => {
      const body = { metadata: { resourceVersion, annotations } };
      const contentType = 'application/merge-patch+json';
      await send({ verb: 'patch', ...ofBackend(name), body, contentType });
    },
  };
}

/** Returns true for an error of the API server with this HTTP status. */
export const isAnswer = (error: unknown, status: number): boolean =>
  error instanceof Error && hasStatus(error.cause, status);

function deadlineOf(flags: FlagValues): number | undefined {
  const text = flags.text('request-timeout');
  if (text === undefined || text === '0') return undefined;
  const ms = parseDurationMs(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms === undefined || ms === 0)
    throw new UsageError(`--request-timeout is a duration such as 5s, not ${JSON.stringify(text)}`);
  return ms;
}

/** Adds the headers of --as and --as-group to each request. */
function impersonating(credentials: ApiCredentials, flags: FlagValues): ApiConnections {
  const [user, groups] = [flags.text('as'), flags.list('as-group')];
  if (user === undefined) {
    if (groups.length > 0) throw new UsageError('--as-group needs --as');
    return credentials;
  }
  const withHeaders = (connection: ApiConnection): ApiConnection => ({
    ...connection,
    headers: {
      ...connection.headers,
      'Impersonate-User': user,
      ...(groups.length > 0 && { 'Impersonate-Group': [...groups] }),
    },
  });
  return {
    peek: () => undefined,
    get: async () => withHeaders(await credentials.get()),
    // The connection that is given back is another object: no request is repeated, so nothing is renewed.
    invalidate: () => undefined,
    reconnect: () => undefined,
    reset: () => credentials.reset(),
    close: () => credentials.close(),
  };
}
