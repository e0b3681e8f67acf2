import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import process from 'node:process';

import { api } from '../controlplane/api.ts';
import { namespace as createNamespace } from '../controlplane/cluster.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { compareRegistries } from '../support/cluster/compare-registries.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import type { NameServer } from '../support/servers/name-servers.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { Spec, World } from '../support/cluster/world.ts';

let plane: Plane;

beforeAll(async () => {
  const range = '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108';
  plane = await startPlane({ address: '10.99.1.4', flags: [range] });
}, 120_000);

afterAll(() => plane.stop());

it('the fake cluster accepts, refuses and fills in what an API server with two IP families does', async () => {
  const admin = api(plane.details);
  const namespace = await createNamespace(plane.details, 'registry');
  const runs = Number(process.env['RUNS'] ?? 250);
  await compareRegistries({ admin, namespace, families: ['IPv4', 'IPv6'], runs });
}, 120_000);

describe('a Service of role Primary', () => {
  const [host, four, six] = ['db.outside.test', '10.20.93.1', 'fd00:20:93::1'] as const;
  const dns = '--dns-servers=10.20.93.53';
  let names: NameServer;
  let world: World;

  beforeAll(async () => {
    names = await startCoreDns({
      address: '10.20.93.53',
      port: 53,
      names: { [host]: [`A ${four}`, `AAAA ${six}`] },
    });
    world = await openWorld(plane.details, { prefix: 'exclusive', args: [dns] });
  }, 60_000);

  afterAll(async () => {
    await world.close();
    await names.remove();
  });

  const spec = (name: string, service: Spec): Spec => ({
    targets: [{ host, role: 'Primary' }],
    ports: [{ port: 5432 }],
    probe: { disabled: {} },
    services: [{ name, role: 'Primary', ...service }],
  });

  /** Moments from the first endpoint on at which the Service has none. */
  const emptyMoments = (name: string) => {
    const moments = readyHistory(world.slices.history, name);
    const first = moments.findIndex(({ ready }) => ready.length > 0);
    return moments.slice(first).filter(({ ready }) => ready.length === 0);
  };

  it.each<readonly [string, Spec]>([
    ['with a cluster IP', {}],
    ['headless', { headless: true }],
  ])(
    'has its server at every moment while its families change: %s',
    async (_, more) => {
      const name = 'headless' in more ? 'bare' : 'plain';
      const families: readonly (readonly [Spec, readonly string[]])[] = [
        [{ ipFamilies: ['IPv4'] }, [four]],
        [{ ipFamilies: ['IPv6'] }, [six]],
        [{ ipFamilies: ['IPv6'], ipFamilyPolicy: 'RequireDualStack' }, [four, six]],
        [{ ipFamilies: ['IPv4'] }, [four]],
      ];
      for (const [fields, ips] of families) {
        await world.publish(name, spec(name, { ...more, ...fields }));
        await world.serves(name, ips, 20_000);
      }
      expect(emptyMoments(name)).toEqual([]);
    },
    120_000,
  );

  it('has its server at every moment while slices get another size over a restart', async () => {
    const both = spec('sized', { ipFamilyPolicy: 'RequireDualStack' });
    await world.publish('sized', { ...both, ports: [{ port: 5432, name: 'a' }] });
    for (const size of [1, 100, 2]) {
      await world.operator().stop();
      await world.start([dns, `--max-endpoints-per-slice=${size}`]);
      await world.publish('sized', { ...both, ports: [{ port: 5432, name: `of-${size}` }] });
      await world.serves('sized', [four, six], 20_000);
    }
    expect(emptyMoments('sized')).toEqual([]);
  }, 120_000);
});
