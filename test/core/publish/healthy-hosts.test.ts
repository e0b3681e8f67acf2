import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { HealthState } from '../../../src/api/external-backend.ts';
import { healthyHosts, type HealthyHosts, type HostHealth } from '../../../src/core/publish/healthy-hosts.ts';

const grace = 30_000;
/** Time, health and addresses: `x1` is address x with mark 1, `x` an address that is not healthy. */
type Judgement = readonly [number, HealthState, string?];

const judged = ([, health, text = '']: Judgement): HostHealth => ({
  name: 'a',
  health,
  marks: new Map(
    text
      .split(' ')
      .filter((word) => word !== '')
      .map(([ip = '', ...mark]) => [ip, mark.length > 0 ? mark.join('') : undefined]),
  ),
});

const sinceAfter = (judgements: readonly Judgement[]): number | undefined =>
  judgements
    .reduce<HealthyHosts>((hosts, each) => healthyHosts(hosts, [judged(each)], grace, each[0]), new Map())
    .get('a')?.since;

describe('a host', () => {
  type Row = readonly [string, readonly Judgement[], number | undefined];
  const rows: readonly Row[] = [
    ['is not healthy where it is unhealthy', [[5, 'unhealthy']], undefined],
    ['is not healthy where it is unknown', [[5, 'unknown']], undefined],
    ['is healthy since it is first seen so', [[5, 'healthy', 'x1'], [9, 'healthy', 'x1']], 5],
    ['is not healthy any more once it was unhealthy', [[5, 'healthy', 'x1'], [9, 'unhealthy', 'x']], undefined],
    ['is healthy from now on after it was unhealthy', [[5, 'healthy', 'x1'], [9, 'unhealthy', 'x'], [12, 'healthy', 'x2']], 12],
    ['stays healthy while new addresses are unknown', [[5, 'healthy', 'x1'], [9, 'unknown', 'y'], [12, 'healthy', 'y2']], 5],
    ['stays healthy while an address leaves and comes back', [[5, 'healthy', 'x1'], [9, 'unknown', 'y'], [12, 'healthy', 'x2']], 5],
    ['is not healthy once it was unknown for the grace', [[0, 'healthy', 'x1'], [9, 'unknown'], [30_009, 'unknown']], undefined],
    ['is healthy from now on after it was unknown for the grace', [[0, 'healthy', 'x1'], [9, 'unknown'], [30_009, 'healthy', 'x1']], 30_009],
    ['stays healthy when it was unknown for less', [[0, 'healthy', 'x1'], [9, 'unknown'], [30_008, 'healthy', 'x1']], 0],
    ['counts the grace from when it became unknown', [[0, 'healthy'], [60_000, 'unknown'], [60_009, 'healthy']], 0],
    ['stays healthy when one address has been healthy all the time', [[5, 'healthy', 'x1 y1'], [9, 'healthy', 'x2 y1']], 5],
    ['stays healthy when all addresses are new', [[5, 'healthy', 'x1 y1'], [9, 'healthy', 'z1']], 5],
    ['is healthy from now on when its address was not healthy for a while', [[5, 'healthy', 'x1'], [9, 'healthy', 'x2']], 9],
    ['is healthy from now on when its address is not healthy, and only a new one is', [[5, 'healthy', 'x1'], [9, 'healthy', 'x y1']], 9],
    ['is healthy from now on when its address was not healthy, whatever was added', [[5, 'healthy', 'x1'], [9, 'healthy', 'x2 y1']], 9],
    ['stays healthy without probes', [[5, 'healthy'], [9, 'healthy']], 5],
  ]; // prettier-ignore
  it.each(rows.map((row) => [row[0], row] as const))('%s', (_, [, judgements, since]) =>
    expect(sinceAfter(judgements)).toBe(since),
  );

  it('is removed when it is no longer in the list', () => {
    const hosts = healthyHosts(new Map(), [judged([0, 'healthy'])], grace, 0);
    expect(healthyHosts(hosts, [], grace, 1).size).toBe(0);
  });

  it('is never reported healthy since a time before it was last unhealthy', () => {
    const judgement = fc.tuple(
      fc.nat(40_000),
      fc.constantFrom<HealthState>('healthy', 'unhealthy', 'unknown'),
    );
    fc.assert(
      fc.property(fc.array(judgement), (steps) => {
        let now = 0;
        const all = steps.map(([ms, health]): Judgement => [(now += ms), health, health === 'healthy' ? `x${now}` : 'x']);
        const since = sinceAfter(all);
        const lastBad = all.findLast(([, health]) => health === 'unhealthy')?.[0] ?? 0;
        if (since !== undefined) expect(since).toBeGreaterThanOrEqual(lastBad);
        if (all.at(-1)?.[1] === 'healthy') expect(since).toBeDefined();
      }),
    ); // prettier-ignore
  });
});
