import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { HealthState } from '../../../src/api/external-backend.ts';
import { addressesOf, type TargetAddresses } from '../../../src/core/resolution/addresses.ts';
import {
  aliasName,
  candidatesOf,
  chooseTarget,
  currentAlias,
  type Candidate,
} from '../../../src/core/publish/external-name.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import type { Resolution } from '../../../src/core/resolution/resolve-host.ts';
import {
  aBackend,
  aService,
  allBut,
  allHealthy,
  healthy,
  unhealthy,
  nothingKnown,
  resolved,
  type SpecInput,
} from '../../support/builders/builders.ts';

const now = Date.UTC(2026, 0, 1);
const candidate = (name: string, health: HealthState, over: Partial<Candidate> = {}): Candidate => ({
  name,
  health,
  since: undefined,
  drain: false,
  resolved: true,
  why: health === 'unhealthy' ? '10.0.0.1 Refused' : '',
  ...over,
});
const good = (name: string, forMs = 3_600_000, drain = false) =>
  candidate(name, 'healthy', { since: now - forMs, drain });
const bad = (name: string) => candidate(name, 'unhealthy');
const refused = (name: string) => candidate(name, 'unhealthy', { refused: true });
const forbidden = (name: string) => candidate(name, 'unhealthy', { refused: true, forbidden: true });
const open = (name: string) => candidate(name, 'unknown');
const drained = (name: string) => good(name, 3_600_000, true);

describe('choose', () => {
  type Row = readonly [string, readonly Candidate[], string | undefined, string, number?];
  const rows: readonly Row[] = [
    ['nothing yet, all healthy', [good('a'), good('b')], undefined, 'a'],
    ['nothing yet, the second healthy', [bad('a'), good('b')], undefined, 'b'],
    ['nothing yet, a healthy one behind an unknown one', [open('a'), good('b')], undefined, 'b'],
    ['nothing yet, healthy only now', [good('a', 0), good('b')], undefined, 'a'],
    ['nothing yet, none healthy', [bad('a'), open('b')], undefined, 'a'],
    ['nothing yet, none healthy, the first drained', [drained('a'), bad('b')], undefined, 'b'],
    ['nothing yet, all drained', [drained('a'), drained('b')], undefined, 'a'],
    ['a stranger', [bad('a'), good('b')], 'x', 'b'],
    ['unhealthy, another healthy', [bad('a'), good('b', 0)], 'a', 'b'],
    ['unhealthy, an earlier healthy only now', [good('a', 0), bad('b'), good('c')], 'b', 'a'],
    ['unhealthy, none healthy', [open('a'), bad('b')], 'b', 'b'],
    ['unhealthy, only a drained one healthy', [drained('a'), bad('b')], 'b', 'b'],
    ['drained, another healthy', [drained('a'), good('b')], 'a', 'b'],
    ['drained, none healthy', [drained('a'), bad('b')], 'a', 'a'],
    ['healthy, a better one for long', [good('a'), good('b')], 'b', 'a'],
    ['healthy, a better one for exactly failback', [good('a', 30_000), good('b')], 'b', 'a'],
    ['healthy, a better one not for long', [good('a', 29_999), good('b')], 'b', 'b', 1],
    ['healthy, the second for long, the first not', [good('a', 1_000), good('b'), good('c')], 'c', 'b'],
    ['healthy, two not for long', [good('a', 1_000), good('b', 9_000), good('c')], 'c', 'c', 21_000],
    ['healthy, the better one drained', [drained('a'), good('b')], 'b', 'b'],
    ['healthy, a later one healthy too', [good('a'), good('b')], 'a', 'a'],
    ['unknown, a later one healthy', [open('a'), good('b')], 'a', 'a'],
    ['unknown, a better one for long', [good('a'), open('b')], 'b', 'a'],
    ['unknown, none better', [bad('a'), open('b')], 'b', 'b'],
    ['nothing yet, the first refused', [refused('a'), bad('b')], undefined, 'b'],
    ['nothing yet, the first refused, the others drained', [refused('a'), drained('b')], undefined, 'b'],
    ['refused, none healthy', [refused('a'), bad('b')], 'a', 'a'],
    ['refused, another healthy', [refused('a'), good('b')], 'a', 'b'],
    ['forbidden, none healthy', [forbidden('a'), bad('b')], 'a', 'b'],
    ['forbidden, another healthy', [forbidden('a'), good('b')], 'a', 'b'],
  ];
  it.each(rows.map((row) => [row[0], row] as const))('the alias points to: %s', (_, row) => {
    const [, candidates, current, name, afterMs] = row;
    const chosen = chooseTarget(candidates, current, 30_000, now);
    expect(chosen).toEqual({ name, ...(afterMs !== undefined && { afterMs }) });
  });

  it.each([
    ['nothing yet', undefined, ''],
    ['a stranger', 'x', 'x'],
    ['a forbidden one', 'b', 'b'],
  ])('chooses no host where all are refused and it points to: %s', (_, current, name) => {
    expect(chooseTarget([refused('a'), forbidden('b')], current, 30_000, now)).toEqual({ name, none: true });
  });

  it('goes back to a better host at once when failbackSeconds is 0', () => {
    expect(chooseTarget([good('a', 0), good('b')], 'b', 0, now)).toEqual({ name: 'a' });
  });

  it('treats a healthy-since time in the future as now', () => {
    const future = good('a', -3_600_000);
    expect(chooseTarget([future, good('b')], 'b', 30_000, now)).toEqual({ name: 'b', afterMs: 30_000 });
  });

  it('checks a better host again when the time since which it is healthy is not known', () => {
    const vague = candidate('a', 'healthy');
    expect(chooseTarget([vague, good('b')], 'b', 30_000, now)).toEqual({ name: 'b', afterMs: 30_000 });
  });

  const candidates = fc
    .array(
      fc.record({
        health: fc.constantFrom('healthy' as const, 'unhealthy' as const, 'unknown' as const),
        ms: fc.nat(60_000),
        drain: fc.boolean(),
        id: fc.nat(6),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((all) =>
      all.map(({ health, ms, drain, id }) => candidate(`n${id}`, health, { since: now - ms, drain })),
    );
  const current = fc.option(
    fc.nat(7).map((id) => `n${id}`),
    { nil: undefined },
  );
  const failback = fc.constantFrom(0, 1_000, 30_000);

  it('never replaces a host that is neither unhealthy nor drained by one that is not healthy', () => {
    fc.assert(
      fc.property(candidates, current, failback, (all, from, failbackMs) => {
        const { name } = chooseTarget(all, from, failbackMs, now);
        const is = all.find((each) => each.name === from);
        if (is === undefined || is.name === name || is.health === 'unhealthy' || is.drain) return;
        expect(all).toContainEqual(expect.objectContaining({ name, health: 'healthy', drain: false }));
      }),
    );
  });

  it('points to a host of the list, and leaves it only for a healthy one', () => {
    fc.assert(
      fc.property(candidates, current, failback, (all, from, failbackMs) => {
        const { name, afterMs = 1 } = chooseTarget(all, from, failbackMs, now);
        expect(all.map((each) => each.name)).toContain(name);
        expect(afterMs).toBeGreaterThan(0);
        if (all.some((each) => each.name === from) && name !== from)
          expect(all.some((each) => each.name === name && each.health === 'healthy')).toBe(true);
      }),
    );
  });

  it('chooses the same host again when nothing changes', () => {
    fc.assert(
      fc.property(candidates, current, failback, (all, from, failbackMs) => {
        const { name } = chooseTarget(all, from, failbackMs, now);
        expect(chooseTarget(all, name, failbackMs, now).name).toBe(name);
      }),
    );
  });

  it('chooses another host because of time alone exactly at the announced instant', () => {
    fc.assert(
      fc.property(candidates, current, failback, (all, from, failbackMs) => {
        const { name, afterMs } = chooseTarget(all, from, failbackMs, now);
        if (afterMs === undefined || name !== from) return;
        expect(chooseTarget(all, from, failbackMs, now + afterMs - 1).name).toBe(name);
        expect(chooseTarget(all, from, failbackMs, now + afterMs).name).not.toBe(name);
      }),
    );
  });
});

const one = { mode: 'ExternalName', targets: [{ host: 'DB.Example.com.' }] };
const probed: SpecInput = { ...one, ports: [{ port: 5432 }] };
const unprobed: SpecInput = { ...one, probe: { disabled: {} } };
const found = (spec: SpecInput, resolution: Partial<Resolution>, ips: readonly string[]) => {
  const { targets, ports } = aBackend(spec).spec;
  return addressesOf(targets, () => resolved({ ...resolution, addresses: ips }), forbiddenRule, ports);
};
const of = (spec: SpecInput, targets: readonly TargetAddresses[], healthOf = allHealthy) =>
  candidatesOf(targets, portGroups(aBackend(spec).spec), healthOf);

describe('candidatesOf', () => {
  const two = ['10.0.0.1', '10.0.0.2'];
  const refused = ['169.254.169.254', '127.0.0.1'];
  it.each([
    ['one healthy', probed, 'Answered', two, allBut('10.0.0.1'), 'healthy'],
    ['one healthy, of an old answer', probed, 'Stale', two, allBut('10.0.0.1'), 'healthy'],
    ['one healthy, one refused', probed, 'Answered', ['10.0.0.1', '127.0.0.1'], allHealthy, 'healthy'],
    ['all unhealthy', probed, 'Answered', two, allBut(...two), 'unhealthy'],
    ['not probed yet', probed, 'Answered', two, nothingKnown, 'unknown'],
    [
      'one unhealthy, one not probed yet',
      probed,
      'Answered',
      two,
      (id: string) => (id.startsWith('10.0.0.1|') ? allBut('10.0.0.1')(id) : undefined),
      'unknown',
    ],
    ['some, not probed', unprobed, 'Answered', two, nothingKnown, 'healthy'],
    ['some of an old answer, not probed', unprobed, 'Stale', two, nothingKnown, 'healthy'],
    ['all refused', probed, 'Answered', refused, nothingKnown, 'unhealthy'],
    ['all refused, not probed', unprobed, 'Answered', refused, nothingKnown, 'unhealthy'],
    ['no such name', probed, 'NoSuchName', [], nothingKnown, 'unhealthy'],
    ['no such name, not probed', unprobed, 'NoSuchName', [], nothingKnown, 'unhealthy'],
    ['no address', probed, 'NoAddress', [], nothingKnown, 'unhealthy'],
    ['expired', unprobed, 'Expired', [], nothingKnown, 'unhealthy'],
    ['failed', probed, 'Failed', [], nothingKnown, 'unknown'],
    ['failed, not probed', unprobed, 'Failed', [], nothingKnown, 'unknown'],
    ['doubted', probed, 'Unconfirmed', [], nothingKnown, 'unknown'],
    ['pending', probed, 'Pending', [], nothingKnown, 'unknown'],
  ] as const)(
    'derives the health of a host from its addresses or its name: %s',
    (_, spec, state, ips, healthOf, health) => {
      const [is] = of(spec, found(spec, { state }, ips), healthOf);
      expect(is).toMatchObject({ name: 'db.example.com', health, drain: false });
    },
  );

  it('changes the mark of an address after one of its ports was not healthy for a while', () => {
    const ports = [{ port: 1 }, { name: 'b', port: 2, probe: {} }];
    const spec = { ...one, ports: ports.map((port) => ({ name: 'a', ...port })) };
    const marks = (since: number) =>
      of(spec, found(spec, { state: 'Answered' }, two), (id) =>
        id.startsWith('10.0.0.2|') ? unhealthy : { ...healthy, since: id.endsWith('2/TCP') ? since : 5 },
      )[0]?.marks;
    expect([...(marks(5) ?? [])]).toEqual([...(marks(5) ?? [])]);
    expect(marks(5)?.get('10.0.0.1')).not.toEqual(marks(7)?.get('10.0.0.1'));
    expect(marks(5)?.get('10.0.0.2')).toBeUndefined();
  });

  it.each([
    ['its addresses', ['10.0.0.1'], {}, '10.0.0.1 Refused'],
    ['what was refused', ['127.0.0.1'], {}, '127.0.0.1 is refused'],
    ['the name servers', [], { state: 'Failed', error: 'A: no answer' }, 'A: no answer'],
    ['nothing but the rule', [], { state: 'Pending' }, 'Pending'],
  ] as const)('reports why a host is not healthy: %s', (_, ips, resolution, why) => {
    const targets = found(probed, { state: 'Answered', ...resolution }, ips);
    expect(of(probed, targets, allBut('10.0.0.1'))[0]?.why).toContain(why);
  });

  it('counts an address as healthy only if every port of it is', () => {
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2, probe: {} },
    ];
    const spec = { ...one, ports };
    const second = (id: string) => (id.endsWith('2/TCP') ? allBut('10.0.0.1')(id) : healthy);
    expect(of(spec, found(spec, { state: 'Answered' }, ['10.0.0.1']), second)[0]).toMatchObject({
      health: 'unhealthy',
    });
  });
});

describe('currentAlias', () => {
  it.each([
    ['no Service', [], undefined],
    ['another type', [aService()], undefined],
    ['a Service that was an alias', [aService({ externalName: 'old' })], undefined],
    ['an alias', [aService(), aService({ type: 'ExternalName', externalName: 'db' })], 'db'],
  ])('%s', (_, services, is) => expect(currentAlias(services)).toBe(is));
});

describe('aliasName', () => {
  it.each([
    ['DB.Example.com.', 'db.example.com'],
    ['db.', 'db'],
    ['db', 'db'],
  ])('normalises the host %s to %s', (host, is) => expect(aliasName(host)).toBe(is));
});
