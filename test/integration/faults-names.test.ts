import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { controlPlane } from '../controlplane/details.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { addAddress } from '../controlplane/network.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target } from '../controlplane/targets.ts';
import { named, sliceEvents, toldOf } from '../support/cluster/names.ts';
import { openWorld } from '../support/cluster/world.ts';
import type { World } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import { a, answer, noData, nxDomain, ScriptedDns, servfail } from '../support/fakes/scripted-dns.ts';
import type { ReplyBehaviour } from '../support/fakes/scripted-dns.ts';

const [right, wrong, other] = ['10.20.186.1', '10.20.186.2', '10.20.186.3'] as const;
const [name, honest] = ['lies.outside.test', 'honest.outside.test'];

let world: World;
let dns: ScriptedDns;
let targets: readonly Target[];
/** Replies to the next questions about the name; then the right one. */
let lies: ReplyBehaviour[] = [];

beforeAll(async () => {
  await addAddress('10.20.186.53', right, wrong, other);
  const truth = (asked: string): ReplyBehaviour => answer(a(asked, asked === name ? right : other, 0));
  dns = await ScriptedDns.start(
    (asked) => {
      if (asked.type !== 'A') return noData('outside.test');
      return (asked.name === name ? lies.shift() : undefined) ?? truth(asked.name);
    },
    { host: '10.20.186.53', port: 53 },
  );
  targets = await Promise.all([right, other].map((address) => startTarget({ address, port: 5432 })));
  world = await openWorld(controlPlane(), { prefix: 'faults-names', args: ['--dns-servers=10.20.186.53'] });
  await world.publish('db', named([name]));
  await world.publish('honest', named([honest]));
}, 60_000);

afterAll(async () => {
  await world.close();
  await Promise.all([dns.close(), ...targets.map((target) => target.close())]);
});

beforeEach(async () => {
  await world.serves('db', [right]);
  await world.serves('honest', [other]);
});

/** Lets the name server give these replies to the next questions, and waits until it has told the truth again, twice. */
async function lie(...replies: readonly ReplyBehaviour[]): Promise<void> {
  lies = [...replies];
  await eventually(
    () => lies.length,
    (left) => left === 0,
    { deadlineMs: 20_000 },
  );
  const from = dns.count({ name, type: 'A' });
  await eventually(
    () => dns.count({ name, type: 'A' }),
    (now) => now >= from + 2,
    { deadlineMs: 20_000 },
  );
}

describe('a name server that', () => {
  it.each([
    ['denies the name', nxDomain('outside.test')],
    ['has no records of the name', noData('outside.test')],
    ['fails', servfail],
  ])(
    '%s for a moment changes nothing',
    async (_, reply) => {
      const from = world.slices.history.length;
      await lie(reply, reply);
      expect(sliceEvents(world, 'db', from)).toEqual([]);
    },
    60_000,
  );

  it('gives a wrong address for a moment is believed, but an address that does not answer is not ready', async () => {
    const from = world.slices.history.length;
    lies = Array.from({ length: 3 }, () => answer(a(name, wrong, 0)));
    await world.serves('db', []);
    await world.serves('db', [right], 20_000);
    const course = readyHistory(world.slices.history, 'db')
      .slice(from)
      .map(({ ready }) => ready.join());
    expect([...new Set(course)]).toEqual(['', right]);
    expect(sliceEvents(world, 'honest', from)).toEqual([]);
  }, 60_000);

  it('gives a forbidden address for a moment is not followed there', async () => {
    const from = world.slices.history.length;
    lies = Array.from({ length: 3 }, () => answer(a(name, '169.254.169.254', 0)));
    await toldOf(world, 'db', name, ({ message }) => message?.includes('169.254.169.254') === true);
    await world.serves('db', [right], 20_000);
    const published = sliceEvents(world, 'db', from).flatMap(({ object }) => object.endpoints ?? []);
    expect(published.flatMap(({ addresses }) => addresses).filter((ip) => ip !== right)).toEqual([]);
  }, 60_000);
});
