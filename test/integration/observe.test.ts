import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing, readyAddresses } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { probed } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';

const ips = ['10.20.153.1', '10.20.153.2'] as const;
const [A, B] = ips;
const port = { port: 5432, protocol: 'TCP' };

let world: World;
let targets: readonly Target[];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'observe' });
  await addAddress(...ips);
  targets = await Promise.all(ips.map((address) => startTarget({ address, port: 5432 })));
});

afterAll(async () => {
  await world.close();
  await Promise.all(targets.map((target) => target.close()));
});

/** A Service and Endpoints as people write them, and the slice that Kubernetes mirrors from them. */
async function writeByHand(name: string, ...addresses: readonly string[]): Promise<void> {
  const metadata = { name, namespace: world.ns };
  await world.admin.create({ kind: 'Service', metadata, spec: { ports: [port] } });
  const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports: [port] }];
  await world.admin.create({ kind: 'Endpoints', metadata, subsets });
  await world.serves(name, addresses);
}

const observing = (more: object = {}) => probed(ips, { observe: true, ...more });

/** Waits for a status of the backend that has these texts, and returns it. */
const reports = (name: string, ...texts: readonly string[]) =>
  world.backends.until(
    (now) => {
      const status = now.get(name)?.status;
      const text = JSON.stringify(status ?? {});
      return texts.every((each) => text.includes(each)) ? status : undefined;
    },
    20_000,
    `${name} reports ${texts.join(', ')}`,
  );

/** Resources that the operator wrote since the given write, each once. */
const written = async (from: number): Promise<readonly string[]> => [
  ...new Set((await world.writes(from)).map(({ resource, subresource }) => `${resource}/${subresource}`)),
];

describe('a backend that observes next to a Service that people wrote', () => {
  it('writes its status alone, and becomes the owner without a gap when observe is removed', async () => {
    const from = (await world.writes()).length;
    await writeByHand('beside', A);
    const before = await world.published('beside');
    await world.apply('beside', observing());
    await world.ready('beside', 'True', 'Observing');
    const status = await reports('beside', '"summary":"2/2"', `would add ${B}:5432`);
    expect(status.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(
      'without spec.observe: Conflict',
    );
    await targets[1]?.close();
    await reports('beside', '"summary":"1/2"', 'the same address is ready');
    expect(await world.published('beside')).toEqual(before);
    expect(await written(from)).toEqual(['externalbackends/status']);
    const notes = [...world.events.objects.values()].flatMap(({ regarding, note }) =>
      regarding?.kind === 'ExternalBackend' && regarding.name === 'beside' ? [note] : [],
    );
    expect(notes).toEqual([
      expect.stringContaining(`spec.observe is true, so nothing is written: ${B}:5432`),
    ]);
    await world.publish('beside', probed(ips, { services: [{ name: 'beside', adopt: true }] }));
    await world.serves('beside', [A]);
    expect(everMissing(world.slices.history, 'beside', [A])).toEqual([]);
  });

  it('deletes nothing that others wrote when it is deleted', async () => {
    await writeByHand('left', A);
    await world.apply('left', observing());
    await world.ready('left', 'True', 'Observing');
    const before = await world.published('left');
    await world.admin.delete('ExternalBackend', 'left', world.ns);
    await world.backends.until((now) => !now.has('left'));
    expect(await world.published('left')).toEqual(before);
  });
});

describe('a backend that publishes and begins to observe', () => {
  it('keeps what it published over a restart of the operator, and deletes it when it is deleted', async () => {
    await world.publish('mine', probed([A]));
    await world.serves('mine', [A]);
    const before = await world.published('mine');
    const from = (await world.writes()).length;
    await world.apply('mine', observing({ services: [{ name: 'other' }] }));
    await world.ready('mine', 'True', 'Observing');
    await world.operator().kill();
    await world.start();
    await reports('mine', 'Service mine is removed', 'the Service would be created with 1 ready address');
    expect(await world.published('mine')).toEqual(before);
    expect(await written(from)).toEqual(['externalbackends/status']);
    await world.admin.delete('ExternalBackend', 'mine', world.ns);
    await world.slices.until((now) => readyAddresses(now.values(), 'mine').length === 0, 60_000);
  }, 90_000);
});
