import { z } from 'zod';
import {
  nameRule,
  specSchema,
  statusSchema,
  unseenStatus,
  type Backend,
  type Status,
} from './external-backend.ts';
import { withRules } from './rule.ts';

/** One problem of a stored resource. */
export interface SpecProblem {
  /** Such as `spec.targets[0].host`; empty for the resource as a whole. */
  readonly path: string;
  readonly message: string;
}

export type ParsedSpec =
  | { readonly ok: true; readonly backend: Backend }
  | { readonly ok: false; readonly problems: readonly SpecProblem[] };

const metadataSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  generation: z.number().default(0),
  creationTimestamp: z.string(),
});

const backendSchema = withRules(z.object({ metadata: metadataSchema, spec: specSchema }), [
  { ...nameRule, field: 'metadata.name' },
]);

const withStatusSchema = z.object({ status: statusSchema.optional() });

/**
 * Parses a resource as stored in the API server, which may be older or newer than this program. Never throws.
 *
 * | stored                                        | result                        |
 * |-----------------------------------------------|-------------------------------|
 * | an unknown field                              | ignored                       |
 * | an unknown field in a probe: a handler?       | a problem                     |
 * | an unknown value (`mode: Foo`)                | a problem                     |
 * | a status that cannot be parsed                | the backend, without a status |
 * | the status that the API server fills in       | the backend, without a status |
 */
export function parseBackend(object: unknown): ParsedSpec {
  const result = backendSchema.safeParse(object);
  if (!result.success) return { ok: false, problems: result.error.issues.map(toProblem) };
  const { metadata, spec } = result.data;
  return { ok: true, backend: { ...metadata, spec, status: parseStatus(object) } };
}

/**
 * Returns the stored status, also of a resource with an invalid spec. Returns undefined if there is none, if
 * it cannot be parsed, or if the API server filled it in.
 */
export function parseStatus(object: unknown): Status | undefined {
  const status = withStatusSchema.safeParse(object).data?.status;
  return status?.observedGeneration === unseenStatus.observedGeneration ? undefined : status;
}

const toProblem = ({ path, message }: z.core.$ZodIssue): SpecProblem => ({ path: pathText(path), message });

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
    .join('');
