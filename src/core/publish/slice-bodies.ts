import type { Backend } from '../../api/external-backend.ts';
import { refOf } from '../kubernetes/action.ts';
import type { Action } from '../kubernetes/action.ts';
import { encodeNames } from '../resolution/names-annotation.ts';
import { shortHash } from '../kubernetes/short-hash.ts';
import { hasHintsMark, hintsMark } from './hints.ts';
import type { Endpoint, EndpointPort, EndpointSlice, Family } from '../kubernetes/objects.ts';
import {
  annotations,
  isOwnedByUid,
  labels,
  manager,
  operatorName,
  ownerReference,
} from '../kubernetes/ownership.ts';
import { isSame } from '../kubernetes/is-same.ts';
import { endpointKey } from './slice-layout.ts';
import { notReadyMark, type MarkedEndpoints } from './slice-readiness.ts';

/** Fields that the slices of one group have in common. */
export interface SliceTemplate extends MarkedEndpoints {
  readonly family: Family;
  readonly ports: readonly EndpointPort[];
  /** IP -> names that resolved to it. It has no addresses of literal targets. */
  readonly names?: ReadonlyMap<string, readonly string[]>;
}

export interface SliceOwner {
  readonly backend: Pick<Backend, 'namespace' | 'name' | 'uid'>;
  readonly service: string;
  readonly headless: boolean;
  /** The operator writes the hints (hints.ts). */
  readonly hinted?: boolean;
  /** One server at a time: the old server is removed before the new one is added. */
  readonly exclusive?: boolean;
}

/** Returns the write of a new slice. Adds its name to `names`, the names that are taken. */
export function createSlice(
  endpoints: readonly Endpoint[],
  group: SliceTemplate,
  context: SliceOwner,
  names: Set<string>,
): Action {
  const base = `${context.service}-${group.family.toLowerCase()}-${shortHash(`${context.backend.uid} ${groupKey(group.family, group.ports)}`).slice(0, 6)}`;
  let index = 0;
  while (names.has(`${base}-${index}`)) index += 1;
  names.add(`${base}-${index}`);
  return {
    op: 'create',
    ...(context.exclusive === true && { emptyFirst: true }),
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${base}-${index}`,
        namespace: context.backend.namespace,
        labels: { ...sliceLabels(context), ...manager() },
        ...annotated({}, endpoints, group, context.hinted === true),
        ownerReferences: [ownerReference(context.backend)],
      },
      addressType: group.family,
      endpoints: sorted(endpoints),
      ports: group.ports,
    },
  };
}

/**
 * Returns the write of an existing slice; undefined if it has the desired content. What another client owns
 * remains: labels and annotations, and the fields of an endpoint that the operator does not write (nodeName,
 * targetRef, hints if `hinted` is false), as long as its address is in the slice.
 */
export function updateSlice(
  desired: readonly Endpoint[],
  slice: EndpointSlice,
  group: SliceTemplate,
  context: SliceOwner,
): Action | undefined {
  const ownsHints = context.hinted === true || hasHintsMark(slice);
  const endpoints = sorted(withForeignFields(desired, slice.endpoints ?? [], ownsHints));
  const { [labels.headless]: _, ...others } = slice.metadata.labels ?? {};
  const next = { ...others, ...sliceLabels(context), ...manager(others) };
  const { annotations: _before, ...bare } = slice.metadata;
  const noted = annotated(slice.metadata.annotations ?? {}, endpoints, group, ownsHints);
  const same =
    ownAnnotations.every((name) => slice.metadata.annotations?.[name] === noted.annotations?.[name]) &&
    isSame(slice.metadata.labels ?? {}, next) &&
    isOwnedByUid(slice.metadata, context.backend.uid) &&
    sameEndpoints(slice.endpoints ?? [], endpoints, ownsHints);
  if (same) return undefined;
  const metadata = {
    ...bare,
    ...noted,
    labels: next,
    ownerReferences: [ownerReference(context.backend)],
  };
  return {
    op: 'update',
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: group.family,
      endpoints,
      ports: group.ports,
    },
  };
}

/**
 * Returns the desired endpoints, each with the fields of the observed one that the operator does not write.
 */
function withForeignFields(
  desired: readonly Endpoint[],
  observed: readonly Endpoint[],
  ownsHints: boolean,
): readonly Endpoint[] {
  const foreign = new Map(
    observed.flatMap((endpoint) => {
      const { addresses: _, conditions: _c, hostname: _h, zone: _z, hints, ...rest } = endpoint;
      const others = { ...rest, ...(!ownsHints && hints !== undefined && { hints }) };
      return Object.keys(others).length > 0 ? [[endpointKey(endpoint), others] as const] : [];
    }),
  );
  if (foreign.size === 0) return desired;
  return desired.map((endpoint) => ({ ...foreign.get(endpointKey(endpoint)), ...endpoint }));
}

const ownAnnotations = [annotations.names, annotations.hints, annotations.notReady] as const;

/**
 * Returns the annotations of a slice: those of other clients, and ours (names of its addresses, owner of the
 * hints, addresses that are not ready).
 */
function annotated(
  given: Readonly<Record<string, string>>,
  endpoints: readonly Endpoint[],
  group: SliceTemplate,
  ownsHints: boolean,
): { readonly annotations?: Readonly<Record<string, string>> } {
  const { [annotations.names]: _, [annotations.hints]: _h, [annotations.notReady]: _r, ...others } = given;
  const names = encodeNames(endpoints.map(endpointKey), group.names);
  const all = {
    ...others,
    ...(names !== undefined && { [annotations.names]: names }),
    ...(ownsHints && hintsMark(endpoints)),
    ...notReadyMark(endpoints, group),
  };
  return Object.keys(all).length > 0 ? { annotations: all } : {};
}

const sliceLabels = (context: SliceOwner): Readonly<Record<string, string>> => ({
  [labels.serviceName]: context.service,
  [labels.sliceManagedBy]: operatorName,
  ...(context.headless && { [labels.headless]: '' }),
});

export const deletion = (object: EndpointSlice): Action => ({ op: 'delete', ref: refOf(object) });

const sorted = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.toSorted((a, b) =>
    endpointKey(a) < endpointKey(b) ? -1 : endpointKey(a) > endpointKey(b) ? 1 : 0,
  );

/** Returns family and ports as one canonical text. Slices with the same key may exchange endpoints. */
export function groupKey(family: string, ports: readonly EndpointPort[]): string {
  const texts = ports.map((p) => `${p.name}/${p.port}/${p.protocol}/${p.appProtocol ?? ''}`);
  return `${family} ${texts.toSorted().join(' ')}`;
}

/**
 * Compares endpoints in any order. The server returns them as written, and other clients may reorder them.
 */
function sameEndpoints(
  observed: readonly Endpoint[],
  desired: readonly Endpoint[],
  ownsHints: boolean,
): boolean {
  if (observed.length !== desired.length) return false;
  const byAddress = new Map(observed.map((endpoint) => [endpoint.addresses.join(','), endpoint]));
  return desired.every((endpoint) => {
    const other = byAddress.get(endpoint.addresses.join(','));
    if (other === undefined || !isSameEndpoint(other, endpoint)) return false;
    return (
      !ownsHints || endpoint.conditions?.ready !== true || isSame(other.hints ?? {}, endpoint.hints ?? {})
    );
  });
}

/** Compares the fields that the operator always writes. */
const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.conditions?.ready === b.conditions?.ready &&
  a.conditions?.serving === b.conditions?.serving &&
  a.conditions?.terminating === b.conditions?.terminating &&
  a.hostname === b.hostname &&
  a.zone === b.zone;
