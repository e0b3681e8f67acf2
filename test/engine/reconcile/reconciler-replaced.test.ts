import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../../../src/core/errors.ts';
import { aService, namespace, type SpecInput } from '../../support/builders/builders.ts';
import { ReconcileWorld } from '../../support/fakes/reconcile-world.ts';
import { up } from '../../support/builders/verdicts.ts';

const [A, B] = ['10.20.0.11', '10.20.0.12'] as const;
const spec = (service: object, ports: object = {}): SpecInput => ({
  targets: [{ host: A }, { host: B }],
  ports: [{ port: 5432, ...ports }],
  services: [{ name: 'db', ...service }],
});

/** Publishes a Service, and edits it. Returns the world and the UID of the Service. */
async function edited(from: SpecInput, to: SpecInput, refuses = false) {
  const world = new ReconcileWorld();
  world.cluster.put(aService({ clusterIP: '10.96.7.7', clusterIPs: ['10.96.7.7'] }, { name: 'other' }));
  await world.bringUp(from);
  const uid = world.cluster.service(namespace, 'db')?.metadata.uid;
  const refusal = new OperatorError('a policy refuses it', { kind: 'terminal', reason: 'Invalid' });
  if (refuses) world.cluster.refuse = ({ op }) => (op === 'applyService' ? refusal : undefined);
  world.store(to, { generation: 2 });
  await settle(world);
  return { world, uid, isSame: () => world.cluster.service(namespace, 'db')?.metadata.uid === uid };
}

async function settle(world: ReconcileWorld): Promise<void> {
  for (let i = 0; i < 3; i += 1) await world.run();
}

/** All edits for which a Service must be deleted and created again: see `needsRecreation`. */
const edits: readonly (readonly [string, object, object, boolean])[] = [
  ['a family that the cluster does not have', {}, { ipFamilies: ['IPv6'] }, false],
  ['a cluster IP that another Service has', {}, { clusterIP: '10.96.7.7' }, false],
  ['both families from a headless one', { headless: true }, { ipFamilyPolicy: 'RequireDualStack' }, false],
  ['another cluster IP, which a policy refuses', {}, { clusterIP: '10.96.7.8' }, true],
  ['no cluster IP, which a policy refuses', {}, { headless: true }, true],
  ['a cluster IP, which a policy refuses', { headless: true }, {}, true],
  [
    'another class of load balancer, which a policy refuses',
    { type: 'LoadBalancer', loadBalancerClass: 'example.com/a' },
    { type: 'LoadBalancer', loadBalancerClass: 'example.com/b' },
    true,
  ],
];

describe('a Service that must be replaced, and whose replacement the API server refuses', () => {
  it.each(edits)(
    'remains with its addresses, which follow their probes: %s',
    async (_, from, to, refuses) => {
      const { world, isSame } = await edited(spec(from), spec(to), refuses);
      expect([isSame(), world.published('db')]).toEqual([true, [`+${A}`, `+${B}`]]);
      expect(world.ready()).toBe('False ReplacementRefused');
      world.fail(A);
      await settle(world);
      expect([isSame(), world.published('db')]).toEqual([true, [`+${B}`, `-${A}`]]);
    },
  );

  it('is tried again after a minute, and at once when the spec changes', async () => {
    const { world, isSame } = await edited(spec({}), spec({ clusterIP: '10.96.7.8' }), true);
    world.cluster.refuse = () => undefined;
    await settle(world);
    expect(isSame()).toBe(true);
    await world.clock.advance(61_000);
    world.say(up);
    await settle(world);
    expect(isSame()).toBe(false);
    expect(world.cluster.service(namespace, 'db')?.spec.clusterIP).toBe('10.96.7.8');
    expect([world.published('db'), world.ready()]).toEqual([[`+${A}`, `+${B}`], 'True Published']);
  });

  it.each<readonly [string, readonly object[]]>([
    ['is given another one', [{ name: 'ro', clusterIP: '10.96.7.9' }]],
    ['becomes headless', [{ name: 'ro', headless: true }]],
    ['is removed', []],
  ])('gets a cluster IP at once that another Service of the backend had, which %s', async (_, others) => {
    const before = { name: 'ro', clusterIP: '10.96.7.8' };
    const world = new ReconcileWorld();
    await world.bringUp({ ...spec({}), services: [{ name: 'db' }, before] });
    world.store(
      { ...spec({}), services: [{ name: 'db', clusterIP: '10.96.7.8' }, ...others] },
      { generation: 2 },
    );
    await settle(world);
    world.say(up);
    await settle(world);
    expect(world.cluster.service(namespace, 'db')?.spec.clusterIP).toBe('10.96.7.8');
    expect([world.published('db'), world.ready()]).toEqual([[`+${A}`, `+${B}`], 'True Published']);
  });

  it('remains while a foreign Service has its cluster IP, also when another one of the backend is edited', async () => {
    const ro = { name: 'ro', clusterIP: '10.96.7.8' };
    const world = new ReconcileWorld();
    world.cluster.put(aService({ clusterIP: '10.96.7.7', clusterIPs: ['10.96.7.7'] }, { name: 'other' }));
    await world.bringUp({ ...spec({}), services: [{ name: 'db' }, ro] });
    const uid = world.cluster.service(namespace, 'db')?.metadata.uid;
    const edited = { ...ro, annotations: { team: 'billing' } };
    world.store(
      { ...spec({}), services: [{ name: 'db', clusterIP: '10.96.7.7' }, edited] },
      { generation: 2 },
    );
    await settle(world);
    expect(world.cluster.service(namespace, 'db')?.metadata.uid).toBe(uid);
    expect([world.published('db'), world.ready()]).toEqual([[`+${A}`, `+${B}`], 'False ReplacementRefused']);
  });

  it('is published as before when the spec is corrected', async () => {
    const { world, isSame } = await edited(spec({}), spec({ ipFamilies: ['IPv6'] }));
    world.store(spec({}), { generation: 3 });
    await settle(world);
    expect([isSame(), world.ready()]).toEqual([true, 'True Published']);
    expect(world.published('db')).toEqual([`+${A}`, `+${B}`]);
  });

  it('is not asked for by node ports that it has itself', async () => {
    const port = { nodePort: 30_070 };
    const from = { type: 'LoadBalancer', loadBalancerClass: 'example.com/a' };
    const { world, isSame } = await edited(
      spec(from, port),
      spec({ ...from, loadBalancerClass: 'example.com/b' }, port),
    );
    expect([isSame(), world.ready()]).toEqual([false, 'True Published']);
  });
});
