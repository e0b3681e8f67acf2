import { afterAll, beforeAll, describe, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { startProxy } from '../support/cluster/proxy.ts';
import type { ApiProxy } from '../support/cluster/proxy.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

const ips = ['10.20.61.1', '10.20.61.2', '10.20.61.3'];
const [, second = '', third = ''] = ips;
let proxy: ApiProxy;
let world: World;
let targets: readonly Target[];

beforeAll(async () => {
  proxy = await startProxy(controlPlane());
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(controlPlane(), { prefix: 'hurry', operator: false, kubeconfig: proxy.kubeconfig });
  await world.start();
  await world.publish('db', probed(ips));
  await world.serves('db', ips);
});

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
  await proxy.close();
});

const summary = async () => (await world.admin.get('ExternalBackend', 'db', world.ns)).status?.summary;

describe('a write of the same backend that the API server does not answer', () => {
  it.each([
    ['PATCH externalbackends/status', 'its status'],
    ['PUT endpoints', 'its Endpoints'],
  ])(
    'does not delay the slice of an address that dies: %s',
    async (name) => {
      const hold = proxy.hold(name);
      await targets[0]?.refuse();
      await world.serves('db', [second, third]);
      await eventually(hold.held, (held) => held > 0);
      // The request has a deadline of 10 s, and answers after that.
      await targets[1]?.refuse();
      await world.serves('db', [third], 4_000);
      hold.release();
      await eventually(summary, (text) => text === '1/3');
      await targets[0]?.listen();
      await targets[1]?.listen();
      await world.serves('db', ips);
      await eventually(summary, (text) => text === '3/3');
    },
    40_000,
  );

  it('is followed by the later one: a status that was held back is not the last word', async () => {
    const hold = proxy.hold('PATCH externalbackends/status');
    await targets[0]?.refuse();
    await world.serves('db', [second, third]);
    await eventually(hold.held, (held) => held > 0);
    await targets[0]?.listen();
    await world.serves('db', ips, 4_000);
    hold.release();
    await eventually(summary, (text) => text === '3/3');
  }, 40_000);
});
