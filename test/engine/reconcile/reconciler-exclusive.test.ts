import { expect, it } from '@jest/globals';
import type { SpecInput } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const host = 'db.example.com';
const [four, six] = ['10.20.0.11', 'fd00:20::11'] as const;

const spec = (service: object, port: object = {}): SpecInput => ({
  targets: [{ host, role: 'Primary' }],
  ports: [{ port: 5432, ...port }],
  probe: { disabled: {} },
  services: [{ name: 'rw', role: 'Primary', ...service }],
});

/**
 * Returns the ready addresses of `rw` after each write of an edit from one spec to the other, and at its end.
 */
async function moments(first: SpecInput, second: SpecInput): Promise<readonly string[]> {
  const world = new ReconcileWorld();
  world.cluster.families = ['IPv4', 'IPv6'];
  const settle = async (generation: number, each: SpecInput): Promise<void> => {
    world.store(each, { generation });
    for (let i = 0; i < 4; i += 1) {
      await world.run();
      world.resolver.addresses(host, four, six);
      await world.clock.advance(1_000);
    }
  };
  await settle(1, first);
  const seen: string[] = [];
  world.cluster.onWrite = () => void seen.push(world.published('rw').join());
  await settle(2, second);
  return [...new Set(seen)];
}

it.each<readonly [string, object, object, readonly string[]]>([
  [
    'headless, from IPv4 to IPv6',
    { headless: true, ipFamilies: ['IPv4'] },
    { headless: true, ipFamilies: ['IPv6'] },
    [`+${four}`, `+${four},+${six}`, `+${six}`],
  ],
  [
    'headless, from both to IPv6',
    { headless: true },
    { headless: true, ipFamilies: ['IPv6'] },
    [`+${four},+${six}`, `+${six}`],
  ],
  [
    'with a cluster IP, from IPv4 to IPv6',
    { ipFamilies: ['IPv4'] },
    { ipFamilies: ['IPv6'] },
    [`+${four}`, `+${four},+${six}`, `+${six}`],
  ],
])(
  'a Service of role Primary keeps its server while its family changes: %s',
  async (_, first, second, all) => {
    const seen = await moments(spec(first), spec(second));
    expect(all).toEqual(expect.arrayContaining([...seen]));
    expect(seen.at(-1)).toBe(all.at(-1));
  },
);
