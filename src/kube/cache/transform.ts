import type {
  EndpointSlice,
  Endpoints,
  KubeObject,
  ObjectMeta,
  Service,
} from '../../core/kubernetes/objects.ts';
import { operatorName } from '../../core/kubernetes/ownership.ts';
import { resources } from '../client/resources.ts';
import type { Resource } from '../client/resources.ts';

/** Object as the API server sends it. Items of a list have neither apiVersion nor kind. */
type Raw = Readonly<Record<string, unknown>> & { readonly metadata: Readonly<Record<string, unknown>> };

/** ExternalBackend as it is cached. Its spec and status are parsed where they are used. */
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

// Fields that are cached of each kind. managedFields and the last applied configuration are mostly half of
// the size of an object. At most three names of the former are kept, and nothing of the latter.

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

/** Returns fields of the last apply of the operator, of those whose owner decides what is written. */
function appliedFields({ metadata }: Raw): readonly string[] {
  const entries = (metadata['managedFields'] ?? []) as readonly ManagedFields[];
  const own = entries.find(({ manager, operation }) => manager === operatorName && operation === 'Apply');
  const spec = own?.fieldsV1?.['f:spec'] ?? {};
  return ['ipFamilyPolicy', 'loadBalancerClass', 'externalIPs'].filter((field) => `f:${field}` in spec);
}

/**
 * Returns the other client that wrote last to an object that the operator writes too. Times are whole
 * seconds; the other client counts as the later one at the same second. A client that left `content` to the
 * operator (it wrote an annotation or a label) does not count.
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

/**
 * @param content fields that the operator writes as a whole: no other client has changed them while it owns
 * all of them
 */
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
