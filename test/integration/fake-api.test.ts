import { afterAll, beforeAll, expect, it } from '@jest/globals';
import process from 'node:process';
import fc from 'fast-check';

import { api, ApiError } from '../controlplane/api.ts';
import { namespace as createNamespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { aStoredBackend, smallest } from '../support/builders/builders.ts';
import { conversation, converse, type Send } from '../support/cluster/conversation.ts';
import { FakeApi } from '../support/fakes/fake-api.ts';
import { seenBy, realWatch, fakeWatch } from '../support/cluster/watched.ts';

const admin = api(controlPlane());
let namespace: string;

beforeAll(async () => {
  namespace = await createNamespace(controlPlane(), 'fake-api');
});

afterAll(async () => {
  await admin.delete('Namespace', namespace);
});

const real: Send = async (method, path, body, contentType) => {
  try {
    return { result: 'ok', body: await admin.send(method, path, body, contentType) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { result: `${error.status} ${error.reason}`, body: undefined };
  }
};

function fakeOf(fake: FakeApi): Send {
  return (method, target, body, contentType) => {
    const [path = '', query] = target.split('?');
    const answer = fake.handle({
      ...{ method, path, body: JSON.parse(JSON.stringify(body ?? null)) as unknown },
      ...(query !== undefined && { query: new URLSearchParams(query) }),
      ...(contentType !== undefined && { contentType }),
    });
    const { reason = '' } = answer.body as { readonly reason?: string };
    const result = answer.status < 300 ? 'ok' : `${answer.status} ${reason}`;
    return Promise.resolve({ result, body: answer.body });
  };
}

async function clean(): Promise<void> {
  for (const kind of ['EndpointSlice', 'Endpoints', 'Lease', 'Service', 'ExternalBackend'] as const)
    for (const { metadata } of await admin.list(kind, namespace))
      await admin.delete(kind, metadata.name, namespace);
}

it('the fake API server answers any writes of any clients as the real one does, and stores the same', async () => {
  const numRuns = Number(process.env['RUNS'] ?? 100);
  await fc.assert(
    fc.asyncProperty(conversation, async (turns) => {
      const fake = new FakeApi();
      for (const name of ['a', 'b']) {
        const { kind, spec } = aStoredBackend(smallest) as unknown as {
          kind: 'ExternalBackend';
          spec: object;
        };
        await admin.apply({ kind, metadata: { name, namespace }, spec });
        const stored = aStoredBackend(smallest, { name });
        fake.cluster.put({ ...stored, metadata: { ...stored.metadata, namespace } });
      }
      const asked = await converse(real, namespace, turns).finally(clean);
      expect(await converse(fakeOf(fake), namespace, turns)).toEqual(asked);
    }),
    { numRuns, seed: Number(process.env['SEED'] ?? 1) },
  );
});

it('a watch of the fake API server reports what one of the real server does, also with a selector', async () => {
  const fake = new FakeApi();
  const { first, turns } = seenBy;
  expect(await converse(fakeOf(fake), namespace, first)).toEqual(await converse(real, namespace, first));
  const expected = await realWatch(controlPlane(), namespace, () => converse(real, namespace, turns));
  expect(await fakeWatch(fake, namespace, () => converse(fakeOf(fake), namespace, turns))).toEqual(expected);
});
