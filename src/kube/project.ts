import type { EndpointSlice, Endpoints, KubeObject, ObjectMeta, Service } from '../core/objects.ts';
import { operatorName } from '../core/ownership.ts';
import { resources } from './resources.ts';
import type { Resource } from './resources.ts';

/** An object as the API server sends it. Items of a list carry neither apiVersion nor kind. */
type Raw = Readonly<Record<string, unknown>> & { readonly metadata: Readonly<Record<string, unknown>> };

/** An ExternalBackend as it is held: its spec and status are parsed where they are used. */
export interface RawBackend extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const keptMeta = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'labels',
  'ownerReferences',
] as const satisfies readonly (keyof ObjectMeta)[];

// Fields that are held of each kind. managedFields and the last applied configuration are mostly half of an object's size: of the
// former at most three names are kept, of the latter nothing.

export function projectBackend(raw: unknown): RawBackend {
  return project(raw, resources.ExternalBackend, ['spec', 'status']) as unknown as RawBackend;
}

export function projectService(raw: unknown): Service {
  const kept = project(raw, resources.Service, ['spec']) as unknown as Service;
  const applied = appliedFields(raw as Raw);
  const ingress = ingressOf(raw as Raw);
  return { ...kept, ...(applied.length > 0 && { applied }), ...(ingress.length > 0 && { ingress }) };
}

function ingressOf(raw: Raw): readonly string[] {
  const { loadBalancer } = (raw['status'] ?? {}) as {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
  return (loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
}

/** Fields set by the operator's last apply whose removal from the spec changes more than themselves. */
function appliedFields({ metadata }: Raw): readonly string[] {
  const entries = (metadata['managedFields'] ?? []) as readonly ManagedFields[];
  const own = entries.find(({ manager, operation }) => manager === operatorName && operation === 'Apply');
  const spec = own?.fieldsV1?.['f:spec'] ?? {};
  return ['ipFamilyPolicy', 'loadBalancerClass'].filter((field) => `f:${field}` in spec);
}

/**
 * The other client that wrote last, of an object that the operator writes too. The times are whole seconds: a tie is the
 * other's. One that left `content` to the operator (an annotation, a label) is no editor.
 */
function editorOf({ metadata }: Raw, content: readonly string[]): string | undefined {
  const entries = ((metadata['managedFields'] ?? []) as readonly ManagedFields[]).filter(
    ({ subresource = '' }) => subresource === '',
  );
  const isOurs = ({ manager }: ManagedFields) => manager === operatorName;
  if (!entries.some(isOurs)) return undefined;
  const isKept = (field: string) =>
    entries.some((entry) => isOurs(entry) && `f:${field}` in (entry.fieldsV1 ?? {}));
  if (content.length > 0 && content.every(isKept)) return undefined;
  const times = entries.map(({ time = '' }) => time).toSorted();
  return entries.find((entry) => entry.time === times.at(-1) && !isOurs(entry))?.manager;
}

interface ManagedFields {
  readonly manager?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly operation?: string;
  readonly fieldsV1?: Readonly<Record<string, object>>;
}

export function projectSlice(raw: unknown): EndpointSlice {
  const fields = ['addressType', 'endpoints', 'ports'];
  return project(raw, resources.EndpointSlice, fields, ['endpoints', 'ports']) as unknown as EndpointSlice;
}

export function projectEndpoints(raw: unknown): Endpoints {
  return project(raw, resources.Endpoints, ['subsets'], ['subsets']) as unknown as Endpoints;
}

/** @param content fields that the operator writes whole: as long as it owns all of them no other client changed them */
function project(
  raw: unknown,
  of: Resource,
  fields: readonly string[],
  content: readonly string[] = [],
): Record<string, unknown> {
  const object = raw as Raw;
  const kept: Record<string, unknown> = {
    apiVersion: of.apiVersion,
    kind: of.kind,
    metadata: projectMeta(object.metadata),
  };
  for (const field of fields) if (object[field] !== undefined) kept[field] = object[field];
  const editor = editorOf(object, content);
  if (editor !== undefined) kept['editor'] = editor;
  return kept;
}

function projectMeta(meta: Raw['metadata']): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const field of keptMeta) if (meta[field] !== undefined) kept[field] = meta[field];
  const annotations = meta['annotations'] as Readonly<Record<string, string>> | undefined;
  if (annotations === undefined) return kept;
  const others = Object.entries(annotations).filter(([name]) => name !== lastApplied);
  if (others.length > 0) kept['annotations'] = Object.fromEntries(others);
  return kept;
}
