import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { everMissing } from '../controlplane/endpoints.ts';
import { unprobed } from '../support/builders/backends.ts';
import { named, sliceEvents, targetOf, toldOf } from '../support/cluster/names.ts';
import {
  a,
  aaaa,
  answer,
  formErr,
  noData,
  ScriptedDns,
  servfail,
  silence,
} from '../support/fakes/scripted-dns.ts';
import type { ReplyBehaviour } from '../support/fakes/scripted-dns.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;
let dns: ScriptedDns;
let target: Target;
let turn = 0;
const all = ['10.20.58.1', '10.20.58.2', '10.20.58.3', '10.20.58.4', '10.20.58.5', '10.20.58.6'];
/** What is asked, as `A name`, and what comes of it; all else has no such record. */
const says = new Map<string, (edns: boolean) => ReplyBehaviour>();
const asked = (name: string, type: 'A' | 'AAAA' = 'A'): number => dns.count({ name, type });

/** Until a name was asked for so many more times. */
async function questions(name: string, count: number): Promise<void> {
  const from = asked(name);
  await eventually(
    () => asked(name),
    (now) => now >= from + count,
    { deadlineMs: 20_000 },
  );
}

beforeAll(async () => {
  await addAddress('10.20.57.53');
  dns = await ScriptedDns.start(
    ({ name, type, edns }) => says.get(`${type} ${name}`)?.(edns) ?? noData('outside.test'),
    {
      host: '10.20.57.53',
      port: 53,
    },
  );
  target = await startTarget({ address: '10.20.57.1', port: 5432 });
  for (const name of ['flaps', 'half', 'zero', 'quick'])
    says.set(`A ${name}.outside.test`, () => answer(a(`${name}.outside.test`, '10.20.57.1', 0)));
  const turned = (): readonly string[] => [...all, ...all].slice((turn += 1) % 6);
  for (const [name, takesEdns] of [
    ['consul', true],
    ['old', false],
  ] as const)
    says.set(`A ${name}.outside.test`, (edns) =>
      edns && !takesEdns
        ? { ...formErr, opt: 'none' }
        : answer(
            ...turned()
              .slice(0, edns || name === 'old' ? 6 : 3)
              .map((ip) => a(`${name}.outside.test`, ip, 0)),
          ),
    );
  says.set('AAAA half.outside.test', () => servfail);
  says.set('A mute.outside.test', () => silence);
  says.set('A later.outside.test', () => answer(a('later.outside.test', '10.20.57.1')));
  says.set('AAAA later.outside.test', () => answer(aaaa('later.outside.test', 'fd20:57::1')));
  world = await openWorld(controlPlane(), { prefix: 'servfail', args: ['--dns-servers=10.20.57.53'] });
  const headless = { probe: unprobed, services: [{ name: 'later', headless: true }] };
  await Promise.all([
    world.apply('mute', named(['mute.outside.test', 'quick.outside.test'])),
    ...['consul', 'old'].map((name) =>
      world.apply(name, named([`${name}.outside.test`], { probe: unprobed })),
    ),
    world.apply('flaps', named(['flaps.outside.test'])),
    world.apply('half', named(['half.outside.test'])),
    world.apply('later', named(['later.outside.test'], headless)),
    world.apply('zero', named(['zero.outside.test'])),
    world.apply('same', named(['zero.outside.test'])),
  ]);
});

afterAll(async () => {
  await world.close();
  await Promise.all([dns.close(), target.close()]);
});

it('A name whose server does not respond does not affect other names', async () => {
  await world.serves('mute', ['10.20.57.1'], 5_000);
});

it('A server that fails every other time changes nothing, neither in slices nor in the status', async () => {
  await world.serves('flaps', ['10.20.57.1']);
  await toldOf(world, 'flaps', 'flaps.outside.test', ({ addresses }) => addresses[0]?.ready === true);
  const good = says.get('A flaps.outside.test') ?? (() => servfail);
  let count = 0;
  says.set('A flaps.outside.test', () => (count++ % 2 === 0 ? servfail : good(true)));
  const [slices, backends] = [world.slices.history.length, world.backends.history.length];
  await questions('flaps.outside.test', 6);
  expect(sliceEvents(world, 'flaps', slices)).toEqual([]);
  expect(
    world.backends.history.slice(backends).filter(({ object }) => object.metadata.name === 'flaps'),
  ).toEqual([]);
  says.set('A flaps.outside.test', good);
});

it('A family that fails is reported, and the addresses of the other one are published', async () => {
  await world.serves('half', ['10.20.57.1']);
  const { resolution } = await toldOf(
    world,
    'half',
    'half.outside.test',
    (each) => each.resolution?.error !== undefined,
  );
  expect(resolution).toMatchObject({
    state: 'Answered',
    error: expect.stringContaining('AAAA: SERVFAIL from 10.20.57.53'),
  });
});

it('A family that fails later keeps its address, and the other one still follows its answers', async () => {
  await world.serves('later', ['10.20.57.1', 'fd20:57::1']);
  const from = world.slices.history.length;
  says.set('AAAA later.outside.test', () => servfail);
  await toldOf(world, 'later', 'later.outside.test', ({ resolution }) => resolution?.state === 'Stale');
  expect(sliceEvents(world, 'later', from)).toEqual([]);
  says.set('A later.outside.test', () => answer(a('later.outside.test', '10.20.57.2')));
  await world.serves('later', ['10.20.57.2', 'fd20:57::1']);
});

it('A name with a TTL of 0 in two backends is queried once in minRefreshSeconds', async () => {
  await world.serves('zero', ['10.20.57.1']);
  await world.serves('same', ['10.20.57.1']);
  const [startedMs, from] = [performance.now(), asked('zero.outside.test')];
  await questions('zero.outside.test', 4);
  const seconds = (performance.now() - startedMs) / 1000;
  // Each comes up to a tenth early.
  expect(asked('zero.outside.test') - from).toBeLessThanOrEqual(seconds / 0.9 + 1);
  expect(targetOf(world.backends.objects.get('same'), 'zero.outside.test')?.resolution?.state).toBe(
    'Answered',
  );
});

it.each([
  ['gives three records at random to clients without EDNS', 'consul'],
  ['refuses EDNS', 'old'],
])('All addresses of a server that %s are published and remain', async (_, name) => {
  await world.serves(name, all);
  await questions(`${name}.outside.test`, 4);
  expect(everMissing(world.slices.history, name, all)).toEqual([]);
});
