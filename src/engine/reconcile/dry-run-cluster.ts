import type { Backend } from '../../api/external-backend.ts';
import type { Action, AppliedService } from '../../core/kubernetes/action.ts';
import type { EndpointSlice, Endpoints, Family, Service } from '../../core/kubernetes/objects.ts';
import { ownerName, serviceOf } from '../../core/kubernetes/ownership.ts';
import type { ClusterCache, Writer } from '../ports.ts';
import { serviceAfterApply, serviceAfterPatch, versioned } from './dry-run-objects.ts';

/**
 * Objects of one backend as they would be if it wrote. They begin as copies of what it owns, and change only by its
 * own writes, which all succeed. Objects of other owners are not in it. It is kept while spec.observe is true, because
 * what is published next depends on what is published now (KeepLast, an alias, the published primary).
 */
export class DryRunCluster implements Writer {
  readonly #real: ClusterCache;
  readonly #services: Map<string, Service>;
  readonly #slices: Map<string, EndpointSlice>;
  readonly #endpoints: Map<string, Endpoints>;
  #version = 0;

  constructor({ namespace, name }: Pick<Backend, 'namespace' | 'name'>, real: ClusterCache) {
    const services = [...real.ownedNames(namespace, name)];
    const own = <T extends Service | EndpointSlice | Endpoints>(all: readonly (T | undefined)[]) =>
      new Map(
        all.flatMap((object) =>
          object === undefined || ownerName(object) !== name || isEnding(object)
            ? []
            : [[object.metadata.name, object] as const],
        ),
      );
    this.#real = real;
    this.#services = own(services.map((each) => real.service(namespace, each)));
    this.#slices = own(services.flatMap((each) => real.slices(namespace, each)));
    this.#endpoints = own(services.map((each) => real.endpoints(namespace, each)));
  }

  /** These objects, and everything else in the cluster. */
  get cache(): ClusterCache {
    const real = this.#real;
    return {
      backend: (...of) => real.backend(...of),
      backends: () => real.backends(),
      service: (_, name) => this.#services.get(name),
      slices: (_, service) => [...this.#slices.values()].filter((slice) => serviceOf(slice) === service),
      endpoints: (_, name) => this.#endpoints.get(name),
      clusterAddress: (ip) => real.clusterAddress?.(ip),
      ownedNames: () => this.#names(),
      caughtUp: (...of) => real.caughtUp(...of),
    };
  }

  perform(action: Action): Promise<void> {
    this.#version += 1;
    this.#apply(action);
    return Promise.resolve();
  }

  #names(): ReadonlySet<string> {
    const ofSlices = [...this.#slices.values()].flatMap((slice) => serviceOf(slice) ?? []);
    return new Set([...this.#services.keys(), ...ofSlices, ...this.#endpoints.keys()]);
  }

  #apply(action: Action): void {
    if (action.op === 'applyService') this.#applyService(action.service);
    else if (action.op === 'setService') this.#patchService(action);
    else if (action.op === 'delete') this.#delete(action.ref);
    else if (action.op === 'create' || action.op === 'update') this.#store(action.object);
  }

  #applyService(body: AppliedService): void {
    const { name } = body.metadata;
    const before = this.#services.get(name);
    const families = before === undefined ? this.#familiesOf(body) : undefined;
    this.#services.set(name, versioned(serviceAfterApply(before, body, families), this.#version));
  }

  #patchService(action: Extract<Action, { readonly op: 'setService' }>): void {
    const before = this.#services.get(action.ref.name);
    if (before === undefined) return;
    this.#services.set(action.ref.name, versioned(serviceAfterPatch(before, action), this.#version));
  }

  #store(object: EndpointSlice | Endpoints): void {
    const { name } = object.metadata;
    if (object.kind === 'Endpoints') this.#endpoints.set(name, versioned(object, this.#version));
    else this.#slices.set(name, versioned(object, this.#version));
  }

  #delete({ kind, name }: Extract<Action, { readonly op: 'delete' }>['ref']): void {
    if (kind === 'Service') this.#services.delete(name);
    if (kind === 'EndpointSlice') this.#slices.delete(name);
    if (kind === 'Endpoints') this.#endpoints.delete(name);
  }

  /**
   * Returns the families that a new Service would have: those of the Service that has this name now or, without one, of
   * the Service of the API server, which has the first family of the cluster. Undefined: the API server alone decides.
   */
  #familiesOf({ metadata: { namespace, name }, spec }: AppliedService): readonly Family[] | undefined {
    if (spec['externalName'] !== undefined) return undefined;
    const existing = this.#real.service(namespace, name)?.spec.ipFamilies;
    if (existing !== undefined) return existing;
    const isSingle = (spec['ipFamilyPolicy'] ?? 'SingleStack') === 'SingleStack';
    return isSingle ? this.#real.service('default', 'kubernetes')?.spec.ipFamilies?.slice(0, 1) : undefined;
  }
}

const isEnding = ({ metadata }: Service | EndpointSlice | Endpoints): boolean =>
  metadata.deletionTimestamp !== undefined;
