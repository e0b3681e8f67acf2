import fc from 'fast-check';

import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { pathOf, resources } from '../../../src/kube/client/resources.ts';

/** A write of one object, with the fences that it has. */
export interface Turn {
  readonly kind: 'EndpointSlice' | 'Endpoints' | 'Lease' | 'Service' | 'ExternalBackend';
  readonly name: string;
  readonly verb: 'create' | 'update' | 'delete' | 'apply' | 'merge' | 'status';
  /** Version and uid in the request: those that are stored, of another object, or none. */
  readonly version: 'stored' | 'other' | 'none';
  readonly uid: 'stored' | 'other' | 'none';
  readonly content: number;
  readonly dryRun: boolean;
}

/** Answer of a server: `ok`, or the status and reason of its refusal. */
export interface Reply {
  readonly result: string;
  readonly body: unknown;
}

export type Send = (method: string, path: string, body?: unknown, contentType?: string) => Promise<Reply>;

const fences = {
  version: fc.constantFrom('stored', 'stored', 'other', 'none'),
  uid: fc.constantFrom('stored', 'stored', 'none', 'other'),
  content: fc.nat(2),
  name: fc.constantFrom('a', 'b'),
} as const;

const stored = fc.record({
  ...{ ...fences, dryRun: fc.boolean() },
  kind: fc.constantFrom('EndpointSlice', 'Endpoints', 'Lease'),
  verb: fc.constantFrom('create', 'update', 'update', 'delete'),
});
const service = fc.record({
  ...{ ...fences, dryRun: fc.constant(false), kind: fc.constant('Service') },
  verb: fc.constantFrom('apply', 'merge', 'delete'),
});
const backend = fc.record({
  ...{ ...fences, dryRun: fc.constant(false), kind: fc.constant('ExternalBackend') },
  verb: fc.constant('status'),
});

export const conversation: fc.Arbitrary<readonly Turn[]> = fc.array(
  fc.oneof(stored, stored, service, backend),
  {
    minLength: 1,
    maxLength: 12,
  },
);

/**
 * Sends the turns, and returns what a client can see of each: the answer, and whether the object, its version,
 * its uid and its generation have changed. Versions and uids themselves differ between servers.
 */
export async function converse(
  send: Send,
  namespace: string,
  turns: readonly Turn[],
): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const turn of turns) {
    const before = await find(send, namespace, turn);
    const { result } = await say(send, namespace, turn, before?.metadata ?? {});
    const after = await find(send, namespace, turn);
    seen.push(`${turn.verb} ${turn.kind} ${turn.name}: ${result}, ${changeOf(before, after)}`);
  }
  return seen;
}

type Meta = { readonly uid?: string; readonly resourceVersion?: string; readonly generation?: number };

function changeOf(before: KubeObject | undefined, after: KubeObject | undefined): string {
  if (before === undefined || after === undefined)
    return before === after ? 'not there' : before === undefined ? `new: ${contentOf(after)}` : 'gone';
  const [was, is] = [before.metadata, after.metadata];
  const isSame = was.resourceVersion === is.resourceVersion && was.uid === is.uid;
  const isEdited = after.kind === 'ExternalBackend' && was.generation !== is.generation;
  return `${isSame ? 'as before' : 'changed'}${isEdited ? ', edited' : ''}: ${contentOf(after)}`;
}

/** Returns the number that the object has as its content. */
function contentOf(object: KubeObject | undefined): string {
  const text = JSON.stringify({ ...object, metadata: { annotations: object?.metadata.annotations } });
  return /content-([0-9])|10\.0\.0\.([0-9])/.exec(text)?.slice(1).join('') ?? '';
}

async function find(send: Send, namespace: string, { kind, name }: Turn): Promise<KubeObject | undefined> {
  const { result, body } = await send('GET', pathOf(resources[kind], namespace, name));
  return result === 'ok' ? ({ kind, ...(body as object) } as KubeObject) : undefined;
}

const other = { uid: '00000000-0000-0000-0000-000000000000', resourceVersion: '1' };

function say(send: Send, namespace: string, turn: Turn, now: Meta): Promise<Reply> {
  const { kind, name, verb, dryRun } = turn;
  const path = pathOf(resources[kind], namespace, name);
  const dry = dryRun ? '?dryRun=All' : '';
  const fence = fenceOf(turn, now);
  const object = objectOf(turn, namespace);
  const fenced = { ...object, metadata: { ...object.metadata, ...fence } };
  switch (verb) {
    case 'create':
      return send('POST', pathOf(resources[kind], namespace) + dry, object);
    case 'update':
      return send('PUT', path + dry, fenced);
    case 'delete':
      return send('DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: fence });
    case 'apply':
      return send('PATCH', `${path}?fieldManager=x&force=true`, object, 'application/apply-patch+yaml');
    case 'merge': {
      const metadata = { ...fence, annotations: object.metadata.annotations };
      return send('PATCH', path, { metadata }, 'application/merge-patch+json');
    }
    case 'status':
      return send('PATCH', `${path}/status`, statusPatch(turn, now), 'application/json-patch+json');
  }
}

function fenceOf({ version, uid }: Turn, now: Meta): Meta {
  const of = (which: Turn['uid'], field: 'uid' | 'resourceVersion'): Meta => {
    if (which === 'none') return {};
    const value = which === 'other' ? other[field] : (now[field] ?? other[field]);
    return { [field]: value };
  };
  return { ...of(version, 'resourceVersion'), ...of(uid, 'uid') };
}

const statusPatch = ({ uid, content }: Turn, now: Meta): object => [
  { op: 'test', path: '/metadata/uid', value: uid === 'stored' ? now.uid : other.uid },
  { op: 'add', path: '/status', value: { observedGeneration: 1, summary: `content-${content}` } },
];

/** Returns the object of a turn. Its content is in its spec, its addresses or its annotations. */
function objectOf({ kind, name, content }: Turn, namespace: string) {
  const { apiVersion } = resources[kind];
  const base = { apiVersion, kind, metadata: { name, namespace } };
  const ip = `10.0.0.${content}`;
  const annotations = { content: `content-${content}` };
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  switch (kind) {
    case 'EndpointSlice':
      return {
        ...{ ...base, addressType: 'IPv4', ports: [{ name: '', port: 5432, protocol: 'TCP' }] },
        endpoints: [{ addresses: [ip], conditions: { ready: true, serving: true, terminating: false } }],
        metadata: { ...base.metadata, labels: { content: `content-${content}` }, annotations: undefined },
      };
    case 'Endpoints':
      return {
        ...base,
        metadata: { ...base.metadata, labels, annotations: undefined },
        subsets: [{ addresses: [{ ip }], ports: [{ port: 5432, protocol: 'TCP' }] }],
      };
    case 'Lease':
      return {
        ...base,
        metadata: { ...base.metadata, annotations: undefined },
        spec: { holderIdentity: `content-${content}`, leaseDurationSeconds: 15 },
      };
    case 'Service':
      return {
        ...base,
        metadata: { ...base.metadata, annotations },
        spec: { clusterIP: 'None', ports: [{ port: 5432, protocol: 'TCP' }] },
      };
    case 'ExternalBackend':
      return { ...base, metadata: { ...base.metadata, annotations: undefined } };
  }
}
