import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { statusSchema, type Status } from '../../../src/api/external-backend.ts';
import { fitStatus } from '../../../src/core/status/status-size.ts';
import { aBackend } from '../../support/builders/builders.ts';

const { spec } = aBackend();
type Target = NonNullable<Status['targets']>[number];
type Address = Target['addresses'][number];

const address = (over: Partial<Address> = {}): Address => ({
  ip: 'fd00:1111:2222:3333:4444:5555:6666:7777',
  ready: false,
  health: 'unhealthy',
  reason: 'CertificateExpired',
  since: '2026-11-28T20:00:00Z',
  role: 'Replica',
  lagOverSeconds: 86_400,
  port: 60_000,
  ...over,
});

const statusWith = (targets: Status['targets']): Status => ({
  observedGeneration: 1,
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Published',
      message: 'p'.repeat(1024),
      lastTransitionTime: '2026-11-28T20:00:00Z',
    },
  ],
  targets,
});

const many = (count: number, over: Partial<Address>): Status =>
  statusWith([{ host: 'db.example.com', addresses: Array.from({ length: count }, () => address(over)) }]);

const size = (status: Status): number => JSON.stringify(status).length;
const noteOf = (status: Status): string => status.conditions?.[0]?.message.split('left out: ')[1] ?? '';
const [message, host] = ['m'.repeat(1024), 'h'.repeat(253)];
const excluded = Array.from({ length: 4 }, (_, i) => ({
  service: `s${i}`.padEnd(63, 'x'),
  reason: 'NotPrimary',
}));

describe('a status that is too large to be stored', () => {
  it.each([
    ['nothing', many(1000, {}), ''],
    ['the end of long messages', many(1000, { message }), 'the end of long messages'],
    ['exclusions', many(2000, { message: 'm', excluded }), 'the end of long messages, excluded'],
    [
      'the hosts of SRV records',
      many(2000, { host, priority: 65_535, weight: 65_535, excluded }),
      'the end of long messages, excluded, host, priority and weight of SRV records',
    ],
  ])('leaves out %s, and the condition Ready notes it', (_, status, note) => {
    const fit = fitStatus(status, spec);
    expect(size(fit)).toBeLessThanOrEqual(800_000);
    expect(noteOf(fit)).toBe(note);
    expect(fit.conditions?.[0]?.message.length).toBeLessThanOrEqual(1024);
  });

  it('keeps the address, its health and its role, as many as there may be and with the longest texts', () => {
    const fit = fitStatus(many(2000, { message, host, excluded }), spec);
    const kept = fit.targets?.flatMap(({ addresses }) => addresses) ?? [];
    expect(kept).toHaveLength(2000);
    expect(kept[1999]).toMatchObject(address());
    expect(statusSchema.safeParse(fit).success).toBe(true);
  });

  it('is smaller with a large spec, and without targets with a very large one', () => {
    const value = 'v'.repeat(4096);
    const header = (i: number) => ({ name: `h${i}`, value });
    const probe = (headers: number) => ({
      httpGet: { httpHeaders: Array.from({ length: headers }, (_, i) => header(i)) },
    });
    const sizes = [32, 320].map((headers) => {
      const ports = Array.from({ length: headers / 32 }, (_, i) => ({
        name: `p${i}`,
        port: i + 1,
        probe: probe(32),
      }));
      return size(fitStatus(many(2000, { message, excluded }), aBackend({ ports }).spec));
    });
    expect(sizes[0]).toBeLessThanOrEqual(800_000);
    expect(sizes[1]).toBeLessThanOrEqual(20_000);
  });

  it('fits whatever it contains', () => {
    const text = fc.integer({ min: 0, max: 1024 }).map((length) => 'x'.repeat(length));
    const some = fc.record({
      message: text,
      host: fc.constant(host),
      excluded: fc.constantFrom([], excluded),
    });
    const targets = fc.array(
      fc.record({ error: text, message: text, count: fc.integer({ min: 0, max: 40 }), some }),
      {
        maxLength: 512,
        size: 'max',
      },
    );
    fc.assert(
      fc.property(targets, (list) => {
        const status = statusWith(
          list.map(({ error, message: told, count, some: over }) => ({
            host,
            message: told,
            resolution: { state: 'Failed', error },
            addresses: Array.from({ length: Math.min(count, Math.floor(2000 / list.length)) }, () =>
              address(over),
            ),
          })),
        );
        const fit = fitStatus(status, spec);
        expect(size(fit)).toBeLessThanOrEqual(800_000);
        expect(fit.targets).toHaveLength(list.length);
      }),
      { numRuns: 30 },
    );
  });
});
