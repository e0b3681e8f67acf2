import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { parseIp } from '../../src/api/ip.ts';
import { forbiddenRule } from '../../src/api/forbidden-ranges.ts';
import { isServiceRecord } from '../../src/api/host.ts';
import { normalizeName } from '../../src/core/resolution/questions.ts';
import { namespace, type SpecInput } from '../support/builders/builders.ts';
import { denies, leadsTo, service } from '../support/builders/lookups.ts';
import { ReconcileWorld } from '../support/fakes/reconcile-world.ts';
import { up } from '../support/builders/verdicts.ts';

const literal = '10.0.9.9';
const names = ['a.example.com', 'b.example.com', 'c.example.com'] as const;
const ips = ['10.0.0.1', '10.0.0.2', 'fd00::1', literal, '169.254.169.254', '127.0.0.1', 'fe80::1'];

/** Returns the world in which the next step continues. */
type Step = (world: ReconcileWorld) => Promise<ReconcileWorld>;

const name = fc.constantFrom(...names);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, fc.uniqueArray(fc.constantFrom(...ips), { minLength: 1 }))
      .map(([of, some]) =>
        text(`${of} gives ${some.join()}`, (world) => world.resolver.addresses(of, ...some)),
      ),
  },
  name.map((of) => text(`${of} fails`, (world) => world.resolver.fails(of))),
  name.map((of) => text(`${of} is denied`, (world) => world.resolver.denies(of))),
  name.map((of) =>
    text(`${of} is denied once`, (world) => void world.resolver.answer({ name: of, type: 'A' }, denies())),
  ),
  fc.constantFrom(...ips).map((ip) => text(`${ip} is up`, (world) => world.say(up, ip))),
  fc.constantFrom(...ips).map((ip) => text(`${ip} is down`, (world) => world.fail(ip))),
  fc
    .constantFrom(1, 100, 1_000, 9_999, 60_000)
    .map((ms) => text(`${ms} ms pass`, (world) => world.clock.advance(ms))),
  fc.constant(
    text('another process', async (world) => {
      const next = world.restarted();
      next.hear();
      await next.run();
      await next.clock.advance(100);
      return next;
    }),
  ),
);

/** Makes a step with a text for a property that fails. A new world may replace the previous one. */
function text(what: string, run: (world: ReconcileWorld) => unknown): Step {
  const step: Step = async (world) => {
    const next = await run(world);
    return next instanceof ReconcileWorld ? next : world;
  };
  return Object.assign(step, { [fc.toStringMethod]: () => what });
}

const dns = fc.record({
  keepSeconds: fc.constantFrom(0, 10, 100),
  staleSeconds: fc.constantFrom(0, 10, 100),
});

const order = fc.shuffledSubarray([...names, literal], { minLength: 4 });

const isForbidden = (ip: string): boolean => {
  const parsed = parseIp(ip);
  return parsed === undefined || forbiddenRule(parsed) !== undefined;
};

async function begun(hosts: readonly string[], dnsOf: SpecInput): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  world.store({
    targets: hosts.map((host) => ({ host })),
    dns: dnsOf,
    services: [{ name: 'orders-db', headless: true }],
  });
  await world.run();
  world.say(up, literal);
  await world.clock.advance(1_000);
  await world.run();
  return world;
}

describe('whatever name servers and probes say', () => {
  it('a literal target follows its own probes, nothing forbidden is published, and a second run writes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(order, dns, fc.array(step, { maxLength: 25 }), async (hosts, dnsOf, steps) => {
        let world = await begun(hosts, dnsOf);
        let expected = `+${literal}`;
        for (const each of steps) {
          world = await each(world);
          const what = fc.stringify(each);
          if (what === `${literal} is up`) expected = `+${literal}`;
          if (what === `${literal} is down`) expected = `-${literal}`;
          await world.run();
          const published = world.published();
          expect(published.filter((text) => text.endsWith(literal))).toEqual([expected]);
          expect(published.filter((text) => isForbidden(text.slice(1)))).toEqual([]);
          expect([...world.scheduled.values()].flat().filter(({ ip }) => isForbidden(ip))).toEqual([]);
          expect(new Set(published).size).toBe(published.length);
          expect((await world.run()).writes).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('an alias points to one of its hosts, and a second run writes nothing and records no Event', async () => {
    await fc.assert(
      fc.asyncProperty(dns, fc.array(step, { maxLength: 25 }), async (dnsOf, steps) => {
        let world = new ReconcileWorld();
        const targets = names.map((host) => ({ host }));
        world.store({ mode: 'ExternalName', targets, ports: [{ port: 5432 }], dns: dnsOf });
        await world.run();
        await world.clock.advance(1_000);
        await world.run();
        for (const each of steps) {
          world = await each(world);
          const before = world.cluster.service(namespace, 'orders-db')?.spec.externalName;
          const events = world.events.length;
          await world.run();
          const after = world.cluster.service(namespace, 'orders-db')?.spec.externalName;
          expect(names).toContain(after);
          expect(world.events.length - events).toBe(before === undefined || before === after ? 0 : 1);
          expect((await world.run()).writes).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('the last addresses of a name are published in the end', async () => {
    const some = fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1'), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        order,
        dns,
        fc.array(step, { maxLength: 15 }),
        some,
        async (hosts, dnsOf, steps, last) => {
          let world = await begun(hosts, dnsOf);
          for (const each of steps) {
            world = await each(world);
            await world.run();
          }
          for (const each of names) world.resolver.addresses(each, ...last);
          for (const family of ['A', 'AAAA'] as const)
            if (!last.some((ip) => ip.includes(':') === (family === 'AAAA')))
              for (const each of names)
                for (let i = 0; i < 3; i++)
                  world.resolver.answer({ name: each, type: family }, denies('NoAddress'));
          await world.clock.advance(100_000);
          await world.run();
          world.say(up);
          await world.run();
          expect(world.published()).toEqual([...last, literal].map((ip) => `+${ip}`).toSorted());
          expect((await world.run()).writes).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

interface Sample {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly targets: readonly { readonly host: string }[];
    readonly credentials?: { readonly secretName: string };
  };
}

const account = { username: 'probe', password: 'example' };

const folder = new URL('../../config/samples/', import.meta.url);
const samples = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
  .flatMap((file) =>
    parseAllDocuments(readFileSync(new URL(file, folder), 'utf8'))
      .map((document) => document.toJS() as Sample)
      .filter(({ kind }) => kind === 'ExternalBackend')
      .map(({ metadata, spec }) => ({
        file,
        name: metadata.name,
        spec,
        hosts: spec.targets.map(({ host }) => host),
      })),
  )
  .filter(({ hosts }) => hosts.some((host) => parseIp(host) === undefined));

describe.each(samples)('the sample $file', ({ name: of, spec, hosts }) => {
  it('is written once and not again after a restart', async () => {
    const world = new ReconcileWorld();
    const answer = (to: ReconcileWorld) => {
      if (spec.credentials !== undefined) to.secrets.set(spec.credentials.secretName, { data: account });
      for (const [i, host] of hosts.entries())
        if (isServiceRecord(host)) {
          to.resolver.answer(
            { name: normalizeName(host), type: 'SRV' },
            leadsTo(service('member.', { port: 7 })),
          );
          to.resolver.addresses('member.', '10.0.0.7');
        } else to.resolver.addresses(normalizeName(host), `10.0.1.${i}`, `10.0.2.${i}`);
    };
    world.store(spec, { name: of });
    await world.run(of);
    answer(world);
    await world.run(of);
    world.say(up, undefined, of);
    expect((await world.run(of)).writes.filter((write) => write === 'status')).toHaveLength(1);
    expect(world.ready(of)).toBe('True Published');
    expect((await world.run(of)).writes).toEqual([]);

    const next = world.restarted();
    await next.clock.advance(60_000);
    next.hear(of);
    await next.run(of);
    answer(next);
    const { writes } = await next.run(of);
    next.say(up, undefined, of);
    // Addresses in no slice (another host of an alias, a server of a role that no Service has) are healthy
    // since now.
    expect(['', 'status']).toContain([...writes, ...(await next.run(of)).writes].join());
    expect((await next.run(of)).writes).toEqual([]);
  });
});
