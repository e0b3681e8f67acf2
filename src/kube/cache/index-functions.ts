import { parseIp } from '../../api/ip.ts';
import { addressesOfService } from '../../core/resolution/cluster-addresses.ts';
import { claimedNames } from '../../core/kubernetes/claims.ts';
import type { KubeObject, Service } from '../../core/kubernetes/objects.ts';
import { ownerName, serviceOf } from '../../core/kubernetes/ownership.ts';
import { memberOf } from '../../core/look-up.ts';
import type { RawBackend } from './transform.ts';

/** Returns `namespace/name` of the ExternalBackend that controls the object: none or one. */
export function ownersOf(object: KubeObject): readonly string[] {
  const name = ownerName(object);
  return name === undefined ? [] : [`${object.metadata.namespace}/${name}`];
}

/** Returns `namespace/service` of the Service of a slice: none or one. */
export function serviceOfSlice(slice: KubeObject): readonly string[] {
  const service = serviceOf(slice);
  return service === undefined ? [] : [`${slice.metadata.namespace}/${service}`];
}

/** Returns `namespace/service` of all Services that a backend claims. */
export const claimsOf = (backend: RawBackend): readonly string[] =>
  claimedNames(backend).map((name) => `${backend.metadata.namespace}/${name}`);

/** Returns those targets of a backend that are addresses, in canonical form. */
export function literalTargets({ spec }: RawBackend): readonly string[] {
  const targets = memberOf(spec, 'targets');
  return !Array.isArray(targets) ? [] : canonical(targets.map((target: unknown) => memberOf(target, 'host')));
}

/** Returns the addresses of a Service that kube-proxy translates, in canonical form. */
export const serviceAddresses = (service: Service): readonly string[] =>
  canonical(addressesOfService(service));

const canonical = (texts: readonly unknown[]): readonly string[] => [
  ...new Set(texts.flatMap((text) => (typeof text === 'string' ? (parseIp(text)?.text ?? []) : []))),
];
