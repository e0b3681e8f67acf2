import type { AppliedService, Action } from '../../core/kubernetes/action.ts';
import type { Family, KubeObject, Service } from '../../core/kubernetes/objects.ts';

type SetService = Extract<Action, { readonly op: 'setService' }>;

/**
 * Returns the Service that a server-side apply leads to: fields of the last apply that the body does not have are
 * removed, and those of others remain.
 *
 * @param ipFamilies families that the API server would choose for a new Service; undefined: not known
 */
export function serviceAfterApply(
  before: Service | undefined,
  body: AppliedService,
  ipFamilies: readonly Family[] | undefined,
): Service {
  const { metadata, spec } = body;
  const released = new Set((before?.applied ?? []).filter((field) => !(field in spec)));
  const kept = Object.entries(before?.spec ?? {}).filter(([field]) => !released.has(field));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...before?.metadata,
      ...metadata,
      labels: { ...before?.metadata.labels, ...textsOf(metadata['labels']) },
      annotations: { ...before?.metadata.annotations, ...textsOf(metadata['annotations']) },
    },
    spec: { ...(ipFamilies && { ipFamilies }), ...Object.fromEntries(kept), ...spec },
    applied: Object.keys(spec),
  };
}

type Texts = Readonly<Record<string, string>>;

const textsOf = (value: unknown): Texts => (value ?? {}) as Texts;

/** Returns the Service after a merge patch. */
export function serviceAfterPatch(
  before: Service,
  { spec = {}, annotations = {}, ownerReferences }: SetService,
): Service {
  const { metadata } = before;
  return {
    ...before,
    metadata: {
      ...metadata,
      annotations: merged(metadata.annotations ?? {}, annotations) as Texts,
      ...(ownerReferences && { ownerReferences }),
    },
    spec: merged(before.spec, spec),
  };
}

/** Returns a map with the values of a merge patch; `null` removes a field. */
const merged = (before: object, patch: object): object =>
  Object.fromEntries(Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null));

/** Returns the object with another version, and with a UID. */
export const versioned = <T extends KubeObject>(object: T, version: number): T => ({
  ...object,
  metadata: {
    ...object.metadata,
    uid: object.metadata.uid ?? `dry-run-${version}`,
    resourceVersion: `dry-run-${version}`,
  },
});
