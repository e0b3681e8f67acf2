import { clusterAddress, type ClusterAddress } from '../../core/resolution/cluster-addresses.ts';
import type { EndpointSlice, Endpoints, Service } from '../../core/kubernetes/objects.ts';
import { serviceOf } from '../../core/kubernetes/ownership.ts';
import { Index } from './index.ts';
import type { RawBackend } from './transform.ts';
import { claimsOf, literalTargets, ownersOf, serviceAddresses, serviceOfSlice } from './index-functions.ts';
import { keyOf } from './store.ts';

/** Indexes over the caches of the kinds. Each follows its cache, one change at a time. */
export class Indexes {
  /** Backends by the Services that they want, as `namespace/service`. */
  readonly claims = new Index<RawBackend>(claimsOf);
  /** Backends by the addresses of their targets, in canonical form. */
  readonly targets = new Index<RawBackend>(literalTargets);
  /** Services by their cluster IPs, external IPs and load balancer addresses. */
  readonly servicesOfAddress = new Index<Service>(serviceAddresses);
  /** Slices by their Service. */
  readonly slicesOfService = new Index<EndpointSlice>(serviceOfSlice);
  /** Objects by the backend that controls them, as `namespace/backend`. */
  readonly ownedServices = new Index<Service>(ownersOf);
  readonly ownedSlices = new Index<EndpointSlice>(ownersOf);
  readonly ownedEndpoints = new Index<Endpoints>(ownersOf);

  /** Returns the keys of the backends that want one of the Services. */
  claimants(services: readonly string[]): readonly string[] {
    return services.flatMap((service) => this.claims.get(service).map(keyOf));
  }

  /** Returns the keys of the backends that have an address of the Service as a target. */
  aiming(service: Service): readonly string[] {
    return serviceAddresses(service).flatMap((ip) => this.targets.get(ip).map(keyOf));
  }

  /**
   * Returns how kube-proxy uses an address. If several Services have it, the one that has it as cluster IP
   * counts.
   */
  clusterAddress(ip: string): ClusterAddress | undefined {
    const addresses = this.servicesOfAddress.get(ip).map((service) => clusterAddress(ip, service));
    return addresses.find(({ kind }) => kind === 'clusterIP') ?? addresses[0];
  }

  /** Returns the names of the Services under which a backend owns objects. */
  ownedNames(namespace: string, backend: string): ReadonlySet<string> {
    const group = `${namespace}/${backend}`;
    const objects = [...this.ownedServices.get(group), ...this.ownedEndpoints.get(group)];
    const names = new Set(objects.map((object) => object.metadata.name));
    for (const slice of this.ownedSlices.get(group)) {
      const name = serviceOf(slice);
      if (name !== undefined) names.add(name);
    }
    return names;
  }
}
