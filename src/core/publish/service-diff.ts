import { parseIp } from '../../api/ip.ts';
import type { AppliedService } from '../kubernetes/action.ts';
import type { Family, Service, ServicePort } from '../kubernetes/objects.ts';
import { annotations } from '../kubernetes/ownership.ts';

/**
 * Returns true when the server refuses the change in place. A change to or from ExternalName is always made
 * in place.
 *
 * | field                                  | cannot be changed                                   |
 * |----------------------------------------|-----------------------------------------------------|
 * | clusterIP                              | between None and an address, nor to another address |
 * | ipFamilies[0]                          | except on a headless Service                        |
 * | loadBalancerClass of type LoadBalancer | at all; one that another client set remains if the spec has none |
 */
export function needsRecreation(observed: Service, body: AppliedService): boolean {
  if (observed.spec.type === 'ExternalName' || body.spec['type'] === 'ExternalName') return false;
  return isReplaced(observed, body.spec);
}

/** Returns true if a Service that is no alias must be deleted to get this spec. */
export const isReplaced = (observed: Service, desired: AppliedService['spec']): boolean =>
  movesAddress(observed.spec, desired) ||
  movesFamily(observed.spec, desired) ||
  movesClass(observed, desired);

function movesAddress(is: Service['spec'], { clusterIP }: AppliedService['spec']): boolean {
  if ((is.clusterIP === 'None') !== (clusterIP === 'None')) return true;
  return typeof clusterIP === 'string' && !sameAddress(is.clusterIP ?? '', clusterIP);
}

function movesFamily(is: Service['spec'], desired: AppliedService['spec']): boolean {
  const [first] = (desired['ipFamilies'] ?? []) as readonly Family[];
  const observed = is.ipFamilies?.[0];
  return (
    desired['clusterIP'] !== 'None' && first !== undefined && observed !== undefined && observed !== first
  );
}

function movesClass({ spec: is, applied = [] }: Service, desired: AppliedService['spec']): boolean {
  if (is.type !== 'LoadBalancer' || desired['type'] !== 'LoadBalancer') return false;
  const isOpen = desired['loadBalancerClass'] === undefined && !applied.includes('loadBalancerClass');
  return !isOpen && is.loadBalancerClass !== desired['loadBalancerClass'];
}

/**
 * Returns true when the Service has all that the body has. Fields that other clients or the server added do
 * not count.
 */
export function isApplied(observed: Service, body: AppliedService): boolean {
  return includesFields(observed, body, '');
}

/** Key by which server-side apply identifies a port. */
export const portKey = (port: ServicePort): string => `${port.port}/${port.protocol ?? 'TCP'}`;

const sameAddress = (a: string, b: string): boolean =>
  a === b || (parseIp(a)?.text ?? a) === parseIp(b)?.text;

/** Returns the paths of the fields that the body sets and whose value in the Service differs. */
export function differences(observed: Service, body: AppliedService): readonly string[] {
  const inMaps = (['labels', 'annotations'] as const).flatMap((map) =>
    Object.entries(body.metadata[map] as Readonly<Record<string, string>>)
      .filter(([key, value]) => observed.metadata[map]?.[key] !== value && key !== annotations.applied)
      .map(([key]) => `metadata.${map}[${key}]`),
  );
  const owners = includesFields(
    observed.metadata.ownerReferences,
    body.metadata['ownerReferences'],
    'ownerReferences',
  );
  const inSpec = Object.entries(body.spec)
    .filter(
      ([field, value]) =>
        !includesFields((observed.spec as Readonly<Record<string, unknown>>)[field], value, field),
    )
    .map(([field]) => `spec.${field}`);
  const foreign = Object.keys(observed.spec.selector ?? {}).length > 0 && body.spec['selector'] === undefined;
  return [
    ...inMaps,
    ...(owners ? [] : ['metadata.ownerReferences']),
    ...inSpec,
    ...(foreign ? ['spec.selector'] : []),
  ];
}

/**
 * Compares one way: every field of `wanted` is in `is`. Ports are matched by their key, owners by uid. The
 * server may have appended a second family.
 */
function includesFields(is: unknown, desired: unknown, field: string): boolean {
  if (field === 'ports') return includesByKey(is, desired, (port) => portKey(port as ServicePort));
  if (field === 'ownerReferences')
    return includesByKey(is, desired, (owner) => String((owner as { uid: unknown }).uid));
  if (field === 'clusterIP') return sameAddress(String(is), String(desired));
  if (Array.isArray(desired)) return sameList(is, desired, field === 'ipFamilies');
  if (desired === false) return is !== true;
  if (typeof desired !== 'object' || desired === null) return is === desired;
  if (typeof is !== 'object' || is === null) return false;
  return Object.entries(desired).every(([key, value]) =>
    includesFields((is as Record<string, unknown>)[key], value, key),
  );
}

function sameList(is: unknown, desired: readonly unknown[], mayBeLonger: boolean): boolean {
  if (!Array.isArray(is) || (mayBeLonger ? is.length < desired.length : is.length !== desired.length))
    return false;
  return desired.every((value, i) => includesFields(is[i], value, ''));
}

function includesByKey(is: unknown, desired: unknown, key: (item: unknown) => string): boolean {
  if (!Array.isArray(desired)) return false;
  const items = new Map((Array.isArray(is) ? is : []).map((item) => [key(item), item as unknown]));
  return desired.every((item: unknown) => includesFields(items.get(key(item)), item, ''));
}
