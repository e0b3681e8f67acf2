import type { AddressPolicy } from '../resolution/address-policy.ts';
import { parseIp } from '../../api/ip.ts';
import { refOf, type Action } from '../kubernetes/action.ts';
import type { AliasPolicy } from '../resolution/alias-policy.ts';
import { externalIpsRemoval } from './external-ips.ts';
import type { Endpoints, EndpointSlice, EndpointSubset, KubeObject, Service } from '../kubernetes/objects.ts';
import { ownerName } from '../kubernetes/ownership.ts';
import type { Observed } from './problems.ts';
import { deletion } from './slice-bodies.ts';
import { step, type PlanStep } from '../kubernetes/plan-step.ts';

/** Addresses that are removed from one Service because the address policy forbids them. */
export interface Withdrawal {
  readonly steps: readonly PlanStep[];
  /** IP, or host of an alias -> why. */
  readonly refused: ReadonlyMap<string, string>;
  /** Text on the external IPs that are removed; undefined: none are. */
  readonly externalIps?: string;
}

/**
 * Removes forbidden addresses from what is published under a Service name of a backend that is not reconciled
 * (it is suspended, or its spec is not valid), and changes nothing else. A policy that forbids an address
 * after it was published applies to these too. An alias cannot be empty, so a Service that points to a
 * forbidden host is removed.
 *
 * @param backend name of the backend; only objects that it controls are written
 */
export function withdrawalOf(
  { service, slices, endpoints }: Observed,
  backend: string,
  policy: AddressPolicy,
  forbids: AliasPolicy,
): Withdrawal {
  const refused = new Map<string, string>();
  const isAllowed = (text: string, ports: readonly number[]): boolean => {
    const ip = parseIp(text);
    const why = ip && policy(ip, { mode: 'Endpoints', ports });
    if (why !== undefined) refused.set(text, why);
    return why === undefined;
  };
  const isOurs = (object: KubeObject): boolean =>
    ownerName(object) === backend && object.metadata.deletionTimestamp === undefined;
  const own = service !== undefined && isOurs(service) ? service : undefined;
  const alias = own && forbiddenAlias(own, forbids);
  if (alias !== undefined) refused.set(alias.host, alias.why);
  const removal = own && externalIpsRemoval(own, policy);
  const actions: readonly (Action | undefined)[] = [
    alias?.action,
    removal?.action,
    ...slices.filter(isOurs).map((slice) => sliceWithout(slice, isAllowed)),
    ...(endpoints !== undefined && isOurs(endpoints) ? [endpointsWithout(endpoints, isAllowed)] : []),
  ];
  const steps = actions.flatMap((action) => (action === undefined ? [] : [step(action)]));
  return { steps, refused, ...(removal && { externalIps: removal.text }) };
}

/** The removal of a Service that leads to a forbidden host; undefined: it does not. */
export function forbiddenAlias(
  service: Service,
  forbids: AliasPolicy,
): { readonly host: string; readonly why: string; readonly action: Action } | undefined {
  const { externalName: host = '' } = service.spec;
  const why = forbids(host);
  return why === undefined ? undefined : { host, why, action: { op: 'delete', ref: refOf(service) } };
}

type IsAllowed = (ip: string, ports: readonly number[]) => boolean;

const portsOf = (ports: readonly { readonly port?: number }[] = []): readonly number[] =>
  ports.flatMap(({ port }) => port ?? []);

function sliceWithout(slice: EndpointSlice, isAllowed: IsAllowed): Action | undefined {
  const before = slice.endpoints ?? [];
  const endpoints = before.filter(({ addresses: [ip = ''] }) => isAllowed(ip, portsOf(slice.ports ?? [])));
  if (endpoints.length === before.length) return undefined;
  if (endpoints.length === 0) return deletion(slice);
  const { editor: _, ...object } = slice;
  return { op: 'update', object: { ...object, endpoints } };
}

function endpointsWithout(observed: Endpoints, isAllowed: IsAllowed): Action | undefined {
  const before = observed.subsets ?? [];
  const subsets = before.map((subset) => subsetWithout(subset, isAllowed));
  if (countOf(subsets) === countOf(before)) return undefined;
  const { editor: _, ...object } = observed;
  return { op: 'update', object: { ...object, subsets: subsets.filter((subset) => countOf([subset]) > 0) } };
}

function subsetWithout(
  { addresses = [], notReadyAddresses = [], ...rest }: EndpointSubset,
  isAllowed: IsAllowed,
): EndpointSubset {
  const ports = portsOf(rest.ports);
  const ready = addresses.filter(({ ip }) => isAllowed(ip, ports));
  const notReady = notReadyAddresses.filter(({ ip }) => isAllowed(ip, ports));
  return {
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ...rest,
  };
}

const countOf = (subsets: readonly EndpointSubset[]): number =>
  subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  );
