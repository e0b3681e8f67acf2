import type { ServiceSpec } from '../../api/external-backend.ts';
import type { Endpoint, EndpointHints, EndpointSlice } from '../kubernetes/objects.ts';
import { annotations } from '../kubernetes/ownership.ts';

/**
 * Returns true when the operator writes the hints of a Service's endpoints.
 *
 * | trafficDistribution | topology annotation in the spec | hints of a ready endpoint            | of one that is not ready |
 * |---------------------|---------------------------------|--------------------------------------|--------------------------|
 * | none                | any                             | other clients'                       | other clients'           |
 * | any                 | Auto                            | other clients'                       | other clients'           |
 * | any                 | none, or another value          | its own zone; none if it has no zone | none, and not repaired   |
 *
 * The rules are those of Kubernetes for pods (k8s.io/endpointslice: trafficdist.go, `hintsEnabled` in
 * utils.go), also for headless Services. Targets are on no node, so PreferSameNode adds no hint for nodes.
 * kube-proxy uses hints while every ready endpoint has one, and one of them is for the zone of its node.
 * Otherwise it uses all endpoints.
 */
export function writesHints(spec: Pick<ServiceSpec, 'trafficDistribution' | 'annotations'>): boolean {
  if (spec.trafficDistribution === undefined) return false;
  const mode = topologyAnnotations.map((name) => spec.annotations?.[name]).find((text) => text !== undefined);
  return mode !== 'Auto' && mode !== 'auto';
}

/** The first one that is set counts. */
const topologyAnnotations = [
  'service.kubernetes.io/topology-aware-hints',
  'service.kubernetes.io/topology-mode',
] as const;

/** Returns the hints of an endpoint of a Service whose hints the operator writes. */
export const hintsOf = (zone: string | undefined, ready: boolean): EndpointHints | undefined =>
  ready && zone !== undefined ? { forZones: [{ name: zone }] } : undefined;

/**
 * Marks a slice whose hints the operator wrote. When the distribution is removed, these hints are removed,
 * and those of other clients are not.
 */
export const hintsMark = (endpoints: readonly Endpoint[]): Readonly<Record<string, string>> =>
  endpoints.some(({ hints }) => hints !== undefined) ? { [annotations.hints]: 'true' } : {};

export const hasHintsMark = ({ metadata }: EndpointSlice): boolean =>
  metadata.annotations?.[annotations.hints] !== undefined;
