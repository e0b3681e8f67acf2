import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiVersion, kind, plural } from '../../src/api/external-backend.ts';
import { sameStatus } from '../../src/core/status/status.ts';
import { writeStatus } from '../../src/engine/reconcile/status-writer.ts';
import type { BackendEvent } from '../../src/core/events/backend-event.ts';
import type { KubeClient } from '../../src/kube/client/client.ts';
import { KubeCache } from '../../src/kube/cache/cluster-cache.ts';
import { KubeWriter } from '../../src/kube/write/writer.ts';
import { systemClock, systemRandom } from '../../src/system-clock.ts';
import { parseStatus } from '../../src/api/parse.ts';
import type { Status } from '../../src/api/external-backend.ts';
import { api, type Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { clientFor, silent } from '../kube/support/connect.ts';
import { ReconcileWorld } from '../support/fakes/reconcile-world.ts';
import { bringUpWorst, worst } from '../support/builders/worst.ts';

let admin: Api;
let client: KubeClient;
let view: KubeCache;
let writer: KubeWriter;
let space: string;
const events: BackendEvent[] = [];

beforeAll(async () => {
  admin = api(controlPlane());
  client = clientFor(controlPlane());
  space = await namespace(controlPlane(), 'limits');
  const parts = { client, clock: systemClock, random: systemRandom, logger: silent };
  view = new KubeCache({ ...parts, namespaces: [space], onChange: () => undefined });
  writer = new KubeWriter({ client, cache: view, mayWrite: () => true });
  view.start();
  await view.synced;
});

afterAll(async () => {
  await view.stop();
  await client.close();
});

/**
 * Creates the resource as `kubectl apply` does: with the configuration in an annotation, as far as the limit of
 * annotations allows.
 */
async function store(name: string, spec: unknown): Promise<string> {
  const annotations = { 'example.com/applied': JSON.stringify(spec).slice(0, 250_000).padEnd(250_000, ' ') };
  const body = { apiVersion, kind, metadata: { name, annotations }, spec };
  const path = `/apis/${apiVersion}/namespaces/${space}/${plural}`;
  const stored = (await admin.send('POST', path, body)) as { metadata: { uid: string } };
  return stored.metadata.uid;
}

const write = (name: string, uid: string, status: Status) =>
  writeStatus({ apiVersion, kind, metadata: { namespace: space, name, uid } }, undefined, status, {
    writer,
    events: { record: (_, event) => void events.push(event) },
  });

const stored = async (name: string): Promise<Status | undefined> =>
  parseStatus(await admin.get('ExternalBackend', name, space));

describe('the status of a resource at the limits', () => {
  it.each(worst.map((resource, i) => ({ ...resource, i })))(
    'of $name is stored completely',
    async (resource) => {
      const world = new ReconcileWorld();
      await bringUpWorst(world, resource);
      const name = `worst-${resource.i}`;
      const uid = await store(name, resource.spec);
      expect(await write(name, uid, world.status())).toEqual([]);
      expect(sameStatus(await stored(name), world.status())).toBe(true);
    },
  );

  it('is stored without its targets if it is still too large, and an Event reports that', async () => {
    const uid = await store('too-large', worst[0]?.spec);
    const addresses = Array.from({ length: 2000 }, (_, i) => ({
      ip: `10.0.${i >> 8}.${i & 255}`,
      ready: true,
      health: 'healthy' as const,
      reason: 'Connected',
      message: 'x'.repeat(800),
    }));
    const status: Status = { targets: [{ host: 'db.example.com', addresses }], summary: '2000/2000' };
    expect(await write('too-large', uid, status)).toEqual([]);
    expect(await stored('too-large')).toEqual({ summary: '2000/2000', conditions: [] });
    expect(events.map(({ type, reason }) => [type, reason])).toEqual([['Warning', 'StatusTooLarge']]);
  });
});
