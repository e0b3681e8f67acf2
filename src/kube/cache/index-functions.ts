import { parseIp } from '../../api/ip.ts';
import { addressesOfService } from '../../core/resolution/cluster-addresses.ts';
import type { KubeObject, Service } from '../../core/kubernetes/objects.ts';
import { ownerName, serviceOf } from '../../core/kubernetes/ownership.ts';
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

/**
 * Returns `namespace/service` of all Services that a backend wants. The spec is not validated, because an
 * invalid resource must be notified of changes too. Without `services` it is the Service with the name of the
 * resource.
 */
export function claimsOf(backend: RawBackend): readonly string[] {
  const { namespace, name } = backend.metadata;
  const services = memberOf(backend.spec, 'services');
  if (!Array.isArray(services)) return [`${namespace}/${name}`];
  const names = services.map((service: unknown) => memberOf(service, 'name'));
  return [...new Set(names.filter((each) => typeof each === 'string'))].map((each) => `${namespace}/${each}`);
}

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

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
