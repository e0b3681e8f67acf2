import { objectOf, type Action } from '../../core/kubernetes/action.ts';
import type { DesiredService } from '../../core/publish/desired.ts';
import type { Endpoints, EndpointSlice, KubeObject } from '../../core/kubernetes/objects.ts';
import { serviceOf } from '../../core/kubernetes/ownership.ts';
import type { ServicePlan } from '../../core/publish/plan.ts';
import type { Observed, Problem } from '../../core/publish/problems.ts';
import { differences, isApplied } from '../../core/publish/service-diff.ts';
import { slowBackoffMs } from '../queue/backoff.ts';
import type { ClusterCache, Writer } from '../ports.ts';
import type { Clock, Random } from '../../util/clock.ts';

interface Unstored {
  readonly object: string;
  /** The write, as text. */
  readonly write: string;
  /** Version of the object, before and after the write. */
  readonly version: string;
  /** Number of times in a row. */
  readonly tries: number;
  /** Time of the next try, monotonic. */
  readonly againAt: number;
}

interface World {
  readonly cache: ClusterCache;
  readonly clock: Pick<Clock, 'now'>;
  readonly random?: Random;
}

/**
 * Writes of a backend that the API server accepts, but that change nothing: an admission webhook or policy
 * alters them, or this version of Kubernetes does not store a field.
 *
 * | the object since such a write | the write that is due | it is sent                               |
 * |-------------------------------|-----------------------|------------------------------------------|
 * | is unchanged                  | the same              | every minute, after ten tries less often |
 * | is unchanged                  | another               | at once                                  |
 * | has changed                   | any                   | at once                                  |
 */
export class UnstoredWrites {
  /** Writes by kind and object. */
  readonly #all = new Map<string, Unstored>();

  /** Returns a writer that skips the writes that are known to change nothing, and records others. */
  writer(writer: Writer, world: World): Writer {
    return {
      perform: async (action, preempt) => {
        if (this.isKnown(action, world)) return;
        if (await this.#perform(writer, action, world, preempt)) return;
        // The API server has altered the write. A second one shows whether the result is always the same.
        if (isAltered(action, world.cache)) await this.#perform(writer, action, world, preempt);
      },
    };
  }

  /** Returns true when the write changes nothing and its next try is not due. */
  isKnown(action: Action, { cache, clock }: World): boolean {
    const known = this.#all.get(keyOf(action));
    if (known === undefined || known.againAt <= clock.now()) return false;
    return known.version === versionOf(action, cache) && known.write === JSON.stringify(action);
  }

  /** Forgets writes whose object needs none any more. */
  retain(plans: readonly ServicePlan[]): void {
    if (this.#all.size === 0) return;
    const due = new Set(plans.flatMap(({ steps }) => steps.map(({ action }) => keyOf(action))));
    for (const key of this.#all.keys()) if (!due.has(key)) this.#all.delete(key);
  }

  /** Returns the time of the next try, monotonic; undefined: there is none. */
  nextAt(): number | undefined {
    const all = [...this.#all.values()].map(({ againAt }) => againAt);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** Adds the problem to a plan without another one. */
  review(plan: ServicePlan, desired: DesiredService, { service, slices, endpoints }: Observed): ServicePlan {
    if (this.#all.size === 0 || plan.problem !== undefined) return plan;
    const objects = new Set([...this.#all.values()].map(({ object }) => object));
    const texts = [service, endpoints, ...slices].flatMap((object) => {
      if (object === undefined || !objects.has(`${object.kind} ${object.metadata.name}`)) return [];
      const fields = object.kind === 'Service' ? differences(object, desired.body) : ['its content'];
      return fields.length === 0 ? [] : [`${object.kind} ${object.metadata.name}: ${fields.join(', ')}`];
    });
    return texts.length === 0 ? plan : { ...plan, problem: altered(desired.name, texts.join('; ')) };
  }

  /** Performs a write. Returns true when it has changed nothing. */
  async #perform(writer: Writer, action: Action, world: World, preempt?: AbortSignal): Promise<boolean> {
    const version = versionOf(action, world.cache);
    await writer.perform(action, preempt);
    const object = objectOf(action);
    if (version === undefined || object === undefined || versionOf(action, world.cache) !== version)
      return false;
    // The Service is stored as it was sent, although nothing changed.
    if (action.op === 'applyService' && !isAltered(action, world.cache)) return false;
    const { clock, random = () => 1 } = world;
    const tries = (this.#all.get(keyOf(action))?.tries ?? 0) + 1;
    const againAt = clock.now() + slowBackoffMs(tries, random);
    this.#all.set(keyOf(action), { object, write: JSON.stringify(action), version, tries, againAt });
    return true;
  }
}

const keyOf = (action: Action): string => `${action.op} ${objectOf(action) ?? ''}`;

const altered = (service: string, fields: string): Problem => ({
  service,
  reason: 'Altered',
  message: `the API server accepted these fields but stored other values: ${fields}. An admission webhook or policy changes them, or this Kubernetes version does not support them: change the webhook or policy, or spec.services`,
  published: true,
});

function isAltered(action: Action, cache: ClusterCache): boolean {
  if (action.op !== 'applyService') return false;
  const { namespace, name } = action.service.metadata;
  const service = cache.service(namespace, name);
  return service !== undefined && !isApplied(service, action.service);
}

/**
 * Returns the version of the stored object; undefined: there is none, or the write changes no existing
 * object.
 */
function versionOf(action: Action, cache: ClusterCache): string | undefined {
  switch (action.op) {
    case 'applyService': {
      const { namespace, name } = action.service.metadata;
      return cache.service(namespace, name)?.metadata.resourceVersion;
    }
    case 'setService':
      return cache.service(action.ref.namespace, action.ref.name)?.metadata.resourceVersion;
    case 'update':
      return stored(action.object, cache)?.metadata.resourceVersion;
    default:
      return undefined;
  }
}

function stored(object: EndpointSlice | Endpoints, cache: ClusterCache): KubeObject | undefined {
  const { namespace, name } = object.metadata;
  if (object.kind === 'Endpoints') return cache.endpoints(namespace, name);
  return cache.slices(namespace, serviceOf(object) ?? '').find((slice) => slice.metadata.name === name);
}
