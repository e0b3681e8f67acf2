import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { hosts, plain, probed, quick } from '../support/builders/backends.ts';
import { brief, conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let a: Target;
let b: Target;
const ips = ['10.20.34.1', '10.20.34.2'];

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'quiet' });
  a = await startTarget({ address: '10.20.34.1', port: 5432 });
  b = await startTarget({ address: '10.20.34.2', port: 5432 });
  await world.publish('db', probed(ips));
  await world.serves('db', ips);
});

afterAll(async () => {
  await world.close();
  await Promise.all([a.close(), b.close()]);
});

beforeEach(() => world.serves('db', ips));

/** Waits until a target was probed so many more times. */
async function probes(target: Target, count: number): Promise<void> {
  const from = target.accepted();
  await eventually(target.accepted, (now) => now >= from + count);
}

const sinceThen = async (from: number) => (await world.writes(from)).map(brief).toSorted();

it('Nothing is written over several probe periods while nothing changes', async () => {
  const before = (await world.writes()).length;
  await probes(a, 3);
  expect(await sinceThen(before)).toEqual([]);
});

it('One health transition writes one slice, the Endpoints, the status and one Event', async () => {
  const eventsOf = () =>
    [...world.events.objects.values()].filter(({ note }) => note?.includes('10.20.34.1:5432'));
  const before = (await world.writes()).length;
  const three = ['patch externalbackends/status', 'update endpoints', 'update endpointslices'];
  await a.refuse();
  await world.serves('db', ['10.20.34.2']);
  await probes(b, 3);
  expect(await sinceThen(before)).toEqual(three);
  expect(eventsOf().map(({ type, reason }) => [type, reason])).toEqual([['Warning', 'Refused']]);

  await a.listen();
  await world.serves('db', ips);
  await probes(a, 2);
  expect(await sinceThen(before + 3)).toEqual(three);
  await world.events.until(() =>
    eventsOf().some(({ type, reason }) => type === 'Normal' && reason === 'Connected'),
  );
});

it('A bad target is reported and the others are published', async () => {
  await world.publish('partly', probed(['10.20.34.1', '10.20.34.77']));
  await world.serves('partly', ['10.20.34.1']);
  const backend = await world.backends.until((now) => {
    const each = now.get('partly');
    return conditionOf(each, 'Degraded')?.status === 'True' ? each : undefined;
  });
  expect(backend.status).toMatchObject({ summary: '1/2', readyAddresses: 1, totalAddresses: 2 });
  expect(conditionOf(backend, 'Available')?.status).toBe('True');
});

it('a database that is down makes Available false and never Ready', async () => {
  await world.publish('down', probed(['10.20.34.78']));
  const backend = await world.backends.until((now) => {
    const each = now.get('down');
    return conditionOf(each, 'Available')?.status === 'False' ? each : undefined;
  });
  expect(conditionOf(backend, 'Ready')).toMatchObject({ status: 'True', reason: 'Published' });
});

it('Each port follows its own probe: a failed address is removed only from the slice of that port', async () => {
  const ports = [
    { name: 'pg', port: 5432 },
    { name: 'http', port: 8080, probe: quick },
  ];
  await world.publish('ports', probed(['10.20.34.1'], { ports }));
  const ready = (port: number) =>
    [...world.slices.objects.values()].find(
      ({ metadata, ports: all }) =>
        metadata.labels?.['kubernetes.io/service-name'] === 'ports' && all?.[0]?.port === port,
    )?.endpoints?.[0]?.conditions?.ready;
  await world.slices.until(() => ready(5432) === true && ready(8080) === false);
  const web = await startTarget({ address: '10.20.34.1', port: 8080 });
  await world.slices.until(() => ready(5432) === true && ready(8080) === true);
  await web.refuse();
  await world.slices.until(() => ready(5432) === true && ready(8080) === false);
  const readyOf = async () =>
    (await world.admin.get('Endpoints', 'ports', world.ns)).subsets
      ?.map(({ addresses, ports: all }) => `${all?.[0]?.port}: ${addresses?.length ?? 0}`)
      .toSorted()
      .join();
  await eventually(readyOf, (text) => text === '5432: 1,8080: 0');
});

it('The port of a target is probed and published', async () => {
  const own = await startTarget({ address: '10.20.34.3', port: 7000 });
  await world.publish(
    'own',
    probed([], { targets: [{ host: '10.20.34.1' }, { host: '10.20.34.3', port: 7000 }] }),
  );
  await world.serves('own', ['10.20.34.1', '10.20.34.3']);
  await own.refuse();
  await world.serves('own', ['10.20.34.1']);
});

it('IPv6 targets are probed and published together with IPv4 ones', async () => {
  const six = await startTarget({ address: 'fd00:20:34::1', port: 5432 });
  const services = [{ name: 'dual', headless: true }];
  await world.publish('dual', probed(['10.20.34.1', 'FD00:20:34:0:0::1'], { services }));
  await world.serves('dual', ['10.20.34.1', 'fd00:20:34::1']);
  await six.refuse();
  await world.serves('dual', ['10.20.34.1']);
});

describe('a drained target', () => {
  it('is removed at once, is still probed, and is added again at once', async () => {
    const targets = [{ host: '10.20.34.1', drain: true }, { host: '10.20.34.2' }];
    await world.publish('db', probed([], { targets }));
    await world.serves('db', ['10.20.34.2']);
    await probes(a, 1);
    await world.publish('db', probed(ips));
    await world.serves('db', ips);
  });
});

describe('a suspended backend', () => {
  it('does not change although a target fails, and follows its probes when it is resumed', async () => {
    await world.publish('asleep', probed(ips));
    await world.serves('asleep', ips);
    await world.apply('asleep', { ...probed(ips), suspend: true });
    await world.ready('asleep', 'True', 'Suspended');
    const before = await world.published('asleep');
    const writesBefore = (await world.writes()).length;

    await a.refuse();
    await world.serves('db', ['10.20.34.2']);
    await probes(b, 2);
    await world.admin.patch('Service', 'asleep', world.ns, { metadata: { labels: { drifted: 'x' } } });
    await world.publish('witness', plain(['10.20.34.9']));
    const asleep = (await world.writes(writesBefore)).filter(({ name }) => name.startsWith('asleep'));
    expect(asleep).toEqual([]);
    expect((await world.published('asleep')).slices).toEqual(before.slices);

    await world.publish('asleep', probed(ips));
    await world.serves('asleep', ['10.20.34.2']);
    await a.listen();
    await world.serves('asleep', ips);
  });
});

describe('a spec that changes', () => {
  it('never removes an address that stays in it: thresholds, ports of the Service, order, another target', async () => {
    await world.publish('steady', probed(ips));
    await world.serves('steady', ips);
    const from = world.slices.history.length;
    const steps = [
      probed(ips.toReversed()),
      probed(ips, { probe: { periodSeconds: 2, failureThreshold: 5 } }),
      probed([...ips, '10.20.34.79']),
      probed(ips, { ports: [{ port: 6000, targetPort: 5432 }] }),
      probed(ips, { ports: [{ name: 'pg', port: 6000, targetPort: 5432 }] }),
    ];
    for (const step of steps) await world.publish('steady', step);

    expect(everMissing(world.slices.history, 'steady', ips)).toEqual([]);
    expect(world.slices.history.length).toBeGreaterThan(from);
  });
});

it('An alias is published without probing, and is not degraded once its name is resolved', async () => {
  const known = 'kubernetes.default.svc.cluster.local';
  await world.publish('alias', { mode: 'ExternalName', targets: hosts(known) });
  const { status } = await world.backends.until((now) => {
    const each = now.get('alias');
    return conditionOf(each, 'Degraded')?.status === 'False' ? each : undefined;
  });
  expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
    'Ready=True',
    'Available=True',
    'Degraded=False',
  ]);
});
