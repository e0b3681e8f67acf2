import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '../../../src/api/cidr.ts';
import { addressPolicy } from '../../../src/core/resolution/address-policy.ts';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Endpoints } from '../../../src/core/kubernetes/objects.ts';
import { namespace, type SpecInput } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';

const forbidden = '10.96.0.1';
const allowed = '10.20.0.12';
const targets = [{ host: forbidden }, { host: allowed }];

const denied = parseCidr('10.96.0.0/16');
const policy = addressPolicy({ denied: denied === undefined ? [] : [denied] });

/** A spec that the parser rejects. */
const nonsense = { targets: [{ host: '127.0.0.1' }] };

/** Publishes everything as ready, then restarts the operator with a policy that forbids an address. */
async function restarted(before: SpecInput, after: SpecInput): Promise<ReconcileWorld> {
  const world = new ReconcileWorld();
  await world.bringUp(before);
  const next = new ReconcileWorld({ policy }, world.cluster, world.clock);
  next.store(after, { generation: 2 });
  await next.run();
  return next;
}

const legacy = (world: ReconcileWorld): readonly string[] => {
  const { subsets = [] } = world.cluster.endpoints(namespace, 'orders-db') ?? ({} as Endpoints);
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) =>
    [...addresses, ...notReadyAddresses].map(({ ip }) => ip),
  );
};
const condition = (world: ReconcileWorld, type: string) => {
  const found = world.status().conditions?.find((each) => each.type === type);
  return `${found?.status ?? '-'} ${found?.reason ?? '-'}`;
};

describe.each<readonly [how: string, after: SpecInput, ready: string]>([
  ['suspended', { targets, suspend: true }, 'True Suspended'],
  ['invalid', nonsense, 'False Invalid'],
])('a backend that is %s', (_, after, ready) => {
  it('removes an address that the policy forbids, and keeps the others', async () => {
    const world = await restarted({ targets }, after);
    expect(world.published()).toEqual([`+${allowed}`]);
    expect(legacy(world)).toEqual([allowed]);
    expect(world.ready()).toBe(ready);
  });

  it('reports it in the status and by one Event, and then nothing more', async () => {
    const world = await restarted({ targets }, after);
    const { targets: reported = [], summary } = world.status();
    expect([summary, reported[0]?.addresses]).toEqual(['1/1', []]);
    expect(reported[0]?.message).toBe(`${forbidden} is refused: denied by --deny-cidr 10.96.0.0/16`);
    expect([condition(world, 'Degraded'), condition(world, 'Available')]).toEqual([
      'True TargetsRefused',
      'True AddressesReady',
    ]);
    expect(world.events.filter(({ reason }) => reason === 'TargetsRefused')).toHaveLength(1);
    expect((await world.run()).writes).toEqual([]);
    expect(world.events.filter(({ reason }) => reason === 'TargetsRefused')).toHaveLength(1);
  });

  it('has no slice left when all its addresses are forbidden', async () => {
    const world = await restarted({ targets: [{ host: forbidden }] }, after);
    expect([world.published(), legacy(world)]).toEqual([[], []]);
    expect(condition(world, 'Available')).toBe('False NoReadyAddress');
    expect((await world.run()).writes).toEqual([]);
  });

  it('is tried again when the API server does not answer', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets });
    const next = new ReconcileWorld({ policy }, world.cluster, world.clock);
    next.store(after, { generation: 2 });
    let fails = true;
    next.cluster.refuse = () =>
      fails ? new OperatorError('no answer', { kind: 'transient', reason: 'Unreachable' }) : undefined;
    expect((await next.run()).outcome).toMatchObject({ reason: 'Unreachable' });
    fails = false;
    await next.run();
    expect(next.published()).toEqual([`+${allowed}`]);
    expect(condition(next, 'Degraded')).toBe('True TargetsRefused');
  });

  it('keeps everything when the policy forbids nothing', async () => {
    const world = new ReconcileWorld();
    await world.bringUp({ targets });
    const next = new ReconcileWorld({}, world.cluster, world.clock);
    next.store(after, { generation: 2 });
    expect((await next.run()).writes).toEqual(['status']);
    expect(next.published()).toEqual([`+${allowed}`, `+${forbidden}`].toSorted());
  });
});

it('Only a backend whose address is forbidden later is reconciled again', async () => {
  let isKnown = false;
  const cidr = parseCidr('10.96.0.0/16');
  const networksOf = () =>
    isKnown && cidr !== undefined
      ? [{ kind: 'services', cidr, source: 'ServiceCIDR kubernetes' } as const]
      : [];
  const late = addressPolicy({ networksOf: (ip) => (ip.text === forbidden ? networksOf() : []) });
  const world = new ReconcileWorld({
    policy: late,
    networksOf: (ip) => (ip.text === forbidden ? networksOf() : []),
  });
  await world.bringUp({ targets });
  await world.bringUp({ targets: [{ host: '10.20.0.13' }] }, { name: 'other' });
  expect(world.reconciler.concernedByNetworks()).toEqual([]);
  isKnown = true;
  expect(world.reconciler.concernedByNetworks()).toEqual([`${namespace}/orders-db`]);
  await world.run();
  expect(world.published()).toEqual([`+${allowed}`]);
  isKnown = false;
  expect(world.reconciler.concernedByNetworks()).toEqual([`${namespace}/orders-db`]);
  await world.run();
  await world.clock.advance(100);
  await world.run();
  expect(world.published()).toEqual([`+${allowed}`, `-${forbidden}`]);
});
