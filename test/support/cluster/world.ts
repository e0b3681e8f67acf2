import { isDeepStrictEqual } from 'node:util';

import { api } from '../../controlplane/api.ts';
import type { Api } from '../../controlplane/api.ts';
import { namespace } from '../../controlplane/cluster.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import { readyAddresses } from '../../controlplane/endpoints.ts';
import type { Kinds } from '../../controlplane/kinds.ts';
import { applyRbac, startOperator } from '../../controlplane/operator.ts';
import type { OperatorOptions, RunningOperator } from '../../controlplane/operator.ts';
import { record } from '../../controlplane/recorder.ts';
import type { Recorder } from '../../controlplane/recorder.ts';
import { writes } from '../../controlplane/requests.ts';
import type { Write } from '../../controlplane/requests.ts';
import { eventually } from '../eventually.ts';
import { published } from './published.ts';
import type { Published } from './published.ts';

export type Spec = Readonly<Record<string, unknown>>;
export type StoredBackend = Kinds['ExternalBackend'];
type Condition = NonNullable<NonNullable<StoredBackend['status']>['conditions']>[number];

/** A namespace with records of its events, and an operator that serves only this namespace. */
export interface World {
  readonly plane: PlaneDetails;
  readonly ns: string;
  readonly admin: Api;
  readonly slices: Recorder<Kinds['EndpointSlice']>;
  readonly backends: Recorder<StoredBackend>;
  readonly events: Recorder<Kinds['Event']>;
  /** Returns the process that runs now. */
  operator(): RunningOperator;
  /** Starts another process, after the previous one ended. */
  start(args?: readonly string[]): Promise<RunningOperator>;
  /**
   * Applies with `kubectl apply --server-side`: fields that were applied before and are not in `spec` are
   * removed.
   */
  apply(name: string, spec: Spec): Promise<StoredBackend>;
  /** Applies, and waits until the operator reports Ready for this generation. */
  publish(name: string, spec: Spec): Promise<StoredBackend>;
  /** Waits for `Ready` of the stored generation with this status (and reason). */
  ready(name: string, status?: 'True' | 'False', reason?: string): Promise<StoredBackend>;
  /** Returns the Service, its slices and its Endpoints as they are stored now. */
  published(service: string): Promise<Published>;
  /** Waits until they are as given. */
  becomes(service: string, wanted: Published): Promise<void>;
  /** Waits until exactly these are the ready addresses of the Service's slices. */
  serves(service: string, addresses: readonly string[], deadlineMs?: number): Promise<void>;
  /** Returns the operator's writes in the namespace except Events, from the given number on. */
  writes(from?: number): Promise<readonly Write[]>;
  close(): Promise<void>;
}

export interface WorldOptions extends Omit<OperatorOptions, 'namespace'> {
  readonly prefix: string;
  /** False: without an operator, until `start`. */
  readonly operator?: boolean;
}

export async function openWorld(plane: PlaneDetails, options: WorldOptions): Promise<World> {
  await applyRbac(plane);
  const ns = await namespace(plane, options.prefix);
  const admin = api(plane);
  const [slices, backends, events] = await Promise.all([
    record(plane, 'EndpointSlice', { namespace: ns }),
    record(plane, 'ExternalBackend', { namespace: ns }),
    record(plane, 'Event', { namespace: ns }),
  ]);
  let running: RunningOperator | undefined;
  const start = async (args = options.args ?? []) =>
    (running = await startOperator(plane, { ...options, args, namespace: ns }));
  if (options.operator !== false) await start();

  const world: World = {
    ...{ plane, ns, admin, slices, backends, events, start },
    operator: () => running ?? fail('no operator was started'),
    apply: (name, spec) => admin.apply({ kind: 'ExternalBackend', metadata: { name, namespace: ns }, spec }),
    publish: async (name, spec) => {
      await world.apply(name, spec);
      return world.ready(name);
    },
    ready: async (name, status = 'True', reason) => {
      const { metadata } = await admin.get('ExternalBackend', name, ns);
      return backends.until(
        (now) => {
          const backend = now.get(name);
          const condition = conditionOf(backend, 'Ready');
          const fits = condition?.status === status && (reason ?? condition.reason) === condition.reason;
          const generation = metadata.generation ?? 0;
          return fits &&
            backend?.metadata.uid === metadata.uid &&
            (condition.observedGeneration ?? 0) >= generation
            ? backend
            : undefined;
        },
        15_000,
        `${name}: Ready=${status} ${reason ?? ''}`,
      );
    },
    published: (service) => published(admin, ns, service),
    becomes: (service, wanted) => becomes(() => published(admin, ns, service), wanted),
    serves: async (service, addresses, deadlineMs) => {
      const wanted = addresses.toSorted().join();
      const what = `ready behind ${service}: ${wanted}`;
      await slices.until((now) => readyAddresses(now.values(), service).join() === wanted, deadlineMs, what);
    },
    writes: async (from = 0) => (await writesIn(plane, ns)).slice(from),
    close: async () => {
      await running?.kill();
      for (const recorder of [slices, backends, events]) recorder.stop();
      await admin.delete('Namespace', ns);
    },
  };
  return world;
}

const writesIn = async (plane: PlaneDetails, ns: string) =>
  (await writes(plane, { namespace: ns })).filter(({ resource }) => resource !== 'events');

export const conditionOf = (backend: StoredBackend | undefined, type: string): Condition | undefined =>
  backend?.status?.conditions?.find((condition) => condition.type === type);

/** Returns a write in short: `update endpointslices`, `patch externalbackends/status`. */
export const brief = ({ verb, resource, subresource }: Write): string =>
  `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`;

async function becomes<T>(look: () => Promise<T>, wanted: T): Promise<void> {
  const lines = (value: T) => JSON.stringify(value, undefined, 1).split('\n');
  const now = await eventually(look, (value) => isDeepStrictEqual(value, wanted), {
    deadlineMs: 3_000,
  }).catch(look);
  const [is, should] = [lines(now), lines(wanted)];
  const surplus = is.filter((line) => !should.includes(line));
  const missing = should.filter((line) => !is.includes(line));
  if (!isDeepStrictEqual(now, wanted))
    fail(`not restored; too much: ${surplus.join()}; missing: ${missing.join()}`);
}

function fail(message: string): never {
  throw new Error(message);
}
