import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { OperatorError } from '../../../src/core/errors.ts';
import type { EndpointSlice, KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { planRemoval, planService, type ServicePlan } from '../../../src/core/publish/plan.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { Step } from '../../../src/core/kubernetes/step.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import {
  aBackend,
  allBut,
  allHealthy,
  aService,
  aSlice,
  desiredOf,
  namespace,
  nothingKnown,
  someEndpoints,
  theService,
  type SpecInput,
} from '../../support/builders/builders.ts';

const name = 'orders-db';
const ownersOf = (uid: string, owner = name, kind = 'ExternalBackend') => [
  {
    apiVersion: kind === 'ExternalBackend' ? 'externalbackend.io/v1alpha1' : 'apps/v1',
    kind,
    name: owner,
    uid,
    controller: true,
  },
];

type Planned = Pick<ServicePlan, 'problem'> & { readonly actions: readonly Action[] };
const actionsOf = (steps: readonly Step[]): readonly Action[] => steps.map(({ action }) => action);

/** Makes plans for the Service of a backend, and applies them. */
class Stage {
  readonly cluster = new FakeCluster();

  constructor() {
    this.cluster.families = ['IPv4', 'IPv6'];
  }

  legacyEndpoints = true;

  plan(backend: Backend, healthOf: HealthOf = allHealthy, olderClaimant?: string): Planned {
    const observed = this.observed();
    const desired = theService(backend, healthOf, this.legacyEndpoints, observed.service);
    const { steps, problem } = planService(desired, observed, {
      backend,
      olderClaimant,
      maxEndpointsPerSlice: 100,
    });
    return { actions: actionsOf(steps), problem };
  }

  observed(service = name) {
    return {
      service: this.cluster.service(namespace, service),
      slices: this.cluster.slices(namespace, service),
      endpoints: this.cluster.endpoints(namespace, service),
    };
  }

  async perform(actions: readonly Action[]): Promise<OperatorError | undefined> {
    try {
      for (const action of actions) await this.cluster.perform(action);
      return undefined;
    } catch (error) {
      return error as OperatorError;
    }
  }

  async apply(spec: SpecInput, healthOf: HealthOf = allHealthy): Promise<void> {
    const error = await this.perform(this.plan(aBackend(spec), healthOf).actions);
    if (error !== undefined) throw error;
  }

  get addresses(): readonly string[] {
    return this.observed().slices.flatMap((slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses));
  }
}

const service = (over: Readonly<Record<string, unknown>>): SpecInput => ({ services: [{ name, ...over }] });

const shapes: Readonly<Record<string, SpecInput>> = {
  'the smallest': {},
  'another port': { ports: [{ port: 5433, targetPort: 6432, appProtocol: 'postgresql' }] },
  'the port with a name': { ports: [{ name: 'pg', port: 5432 }] },
  'two ports': {
    ports: [
      { name: 'pg', port: 5432 },
      { name: 'web', port: 80, probe: { httpGet: {} } },
    ],
  },
  'an alias': { mode: 'ExternalName', targets: [{ host: 'db.example.com' }], ports: undefined },
  'an alias with a port': { mode: 'ExternalName', targets: [{ host: 'db.example.com' }] },
  headless: service({ headless: true }),
  'headless with names': {
    ...service({ headless: true }),
    targets: [
      { host: '10.20.0.11', name: 'a' },
      { host: '10.20.0.12', zone: 'eu' },
    ],
  },
  'both families': {
    ...service({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }),
    targets: [{ host: '10.20.0.11' }, { host: 'fd00::1' }],
  },
  'one of two families': {
    ...service({ ipFamilies: ['IPv4'] }),
    targets: [{ host: '10.20.0.11' }, { host: 'fd00::1' }],
  },
  'headless, one of two families': {
    ...service({ headless: true, ipFamilies: ['IPv4'] }),
    targets: [{ host: '10.20.0.11' }, { host: 'fd00::1' }],
  },
  'headless, one and the policy of two': {
    ...service({ headless: true, ipFamilies: ['IPv6'], ipFamilyPolicy: 'PreferDualStack' }),
    targets: [{ host: '10.20.0.11' }, { host: 'fd00::1' }],
  },
  'headless, both families': {
    ...service({ headless: true }),
    targets: [{ host: '10.20.0.11' }, { host: 'fd00::1' }],
  },
  'a node port': service({ type: 'NodePort' }),
  'a fixed node port': { ...service({ type: 'NodePort' }), ports: [{ port: 5432, nodePort: 31_000 }] },
  'a load balancer': service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] }),
  affinity: service({
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  }),
  'a cluster IP': service({ clusterIP: '10.96.0.99' }),
  'labels and annotations': service({ labels: { team: 'shop' }, annotations: { note: 'x' } }),
  'a selector': service({ selector: { app: 'db' } }),
  'a longer selector': service({ selector: { app: 'db', tier: 'data' } }),
  'not-ready addresses published': service({ publishNotReadyAddresses: true }),
  adopt: service({ adopt: true }),
  'a target with a port of its own': {
    targets: [{ host: '10.20.0.11' }, { host: '10.20.0.12', port: 5999 }],
  },
  'a target that repeats the port': { targets: [{ host: '10.20.0.11' }, { host: '10.20.0.12', port: 5432 }] },
};

const anyShape = fc.constantFrom(...Object.keys(shapes));
const specOf = (shape: string): SpecInput => shapes[shape] ?? {};

describe('planService', () => {
  it.each(Object.keys(shapes))('plans nothing after its plan was written: %s', async (shape) => {
    const stage = new Stage();
    await stage.apply(specOf(shape));
    expect(stage.plan(aBackend(specOf(shape)))).toEqual({ actions: [], problem: undefined });
  });

  it('changes any Service into any other in one run, with the same result as a new Service', async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, anyShape, anyShape, async (first, second, third) => {
        const [stage, fresh] = [new Stage(), new Stage()];
        for (const shape of [first, second, third]) {
          await stage.apply(specOf(shape));
          expect(stage.plan(aBackend(specOf(shape))).actions).toEqual([]);
        }
        await fresh.apply(specOf(third));
        const essence = ({ service: object }: ReturnType<Stage['observed']>) => ({
          type: object?.spec.type,
          headless: object?.spec.clusterIP === 'None',
          ports: object?.spec.ports?.map(({ nodePort: _, ...port }) => port),
          selector: object?.spec.selector,
          labels: object?.metadata.labels,
          annotations: object?.metadata.annotations,
        });
        expect(essence(stage.observed())).toEqual(essence(fresh.observed()));
        expect(stage.addresses.toSorted()).toEqual(fresh.addresses.toSorted());
        expect(stage.observed().endpoints?.subsets).toEqual(fresh.observed().endpoints?.subsets);
      }),
      { numRuns: 100 },
    );
  });

  it('continues correctly after being cut after any write', async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, anyShape, fc.nat(8), async (first, second, cut) => {
        const stage = new Stage();
        await stage.apply(specOf(first));
        await stage.perform(stage.plan(aBackend(specOf(second))).actions.slice(0, cut));
        await stage.apply(specOf(second));
        expect(stage.plan(aBackend(specOf(second))).actions).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('writes the slices that gain, the Service, the Endpoints, and last deletes slices', async () => {
    const stage = new Stage();
    await stage.apply({});
    const kinds = stage.plan(aBackend(specOf('another port'))).actions.map((action) => {
      if (action.op === 'create' || action.op === 'update') return `${action.op} ${action.object.kind}`;
      return action.op === 'delete' ? `${action.op} ${action.ref.kind}` : action.op;
    });
    expect(kinds).toEqual([
      'create EndpointSlice',
      'setService',
      'applyService',
      'update Endpoints',
      'delete EndpointSlice',
    ]);
  });

  it('does not take over a Service that another client created a moment ago', async () => {
    const stage = new Stage();
    const { actions } = stage.plan(aBackend());
    stage.cluster.put(aService());
    expect(await stage.perform(actions)).toMatchObject({ kind: 'transient', status: 409 });
    expect(stage.cluster.writes).toEqual([]);
  });

  it('writes one slice and one Endpoints for one health transition', async () => {
    const stage = new Stage();
    await stage.apply({});
    expect(stage.plan(aBackend(), allBut('10.20.0.11')).actions).toMatchObject([
      { op: 'update', object: { kind: 'EndpointSlice' } },
      { op: 'update', object: { kind: 'Endpoints' } },
    ]);
  });

  it.each([
    ['ClusterIP to headless', {}, specOf('headless'), true],
    ['headless to ClusterIP', specOf('headless'), {}, true],
    ['another cluster IP', {}, specOf('a cluster IP'), true],
    ['to an alias', {}, specOf('an alias'), false],
    ['from an alias to headless', specOf('an alias'), specOf('headless'), false],
    ['to a node port', {}, specOf('a node port'), false],
  ])(
    'recreates the Service only when the server refuses a change in place: %s',
    async (_, before, after, recreates) => {
      const stage = new Stage();
      await stage.apply(before);
      const deletes = stage
        .plan(aBackend(after))
        .actions.some((a) => a.op === 'delete' && a.ref.kind === 'Service');
      expect(deletes).toBe(recreates);
    },
  );
});

describe('the drift that planService repairs', () => {
  const edits: readonly (readonly [string, (stage: Stage) => void])[] = [
    ['the Service deleted', ({ cluster }) => cluster.remove('Service', namespace, name)],
    ['the Endpoints deleted', ({ cluster }) => cluster.remove('Endpoints', namespace, name)],
    [
      'a slice deleted',
      (stage) => stage.cluster.remove('EndpointSlice', namespace, slice(stage).metadata.name),
    ],
    [
      'a port added',
      (stage) =>
        edit(stage, 'service', {
          spec: {
            ports: [
              { port: 5432, targetPort: 5432 },
              { name: 'x', port: 9 },
            ],
          },
        }),
    ],
    [
      'a port renamed',
      (stage) =>
        edit(stage, 'service', {
          spec: { ports: [{ name: 'x', port: 5432, targetPort: 5432, protocol: 'TCP' }] },
        }),
    ],
    [
      'an appProtocol added',
      (stage) =>
        edit(stage, 'service', {
          spec: { ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP', appProtocol: 'x' }] },
        }),
    ],
    ['a selector put on', (stage) => edit(stage, 'service', { spec: { selector: { app: 'db' } } })],
    [
      'the owner taken off the Service',
      (stage) => edit(stage, 'service', { metadata: { ownerReferences: [] } }),
    ],
    [
      'the owner taken off the Endpoints',
      (stage) => edit(stage, 'endpoints', { metadata: { ownerReferences: [] } }),
    ],
    ['the owner taken off a slice', (stage) => edit(stage, 'slice', { metadata: { ownerReferences: [] } })],
    ['the labels taken off the Endpoints', (stage) => edit(stage, 'endpoints', { metadata: { labels: {} } })],
    [
      'the managed-by label taken off a slice',
      (stage) => edit(stage, 'slice', { metadata: { labels: { 'kubernetes.io/service-name': name } } }),
    ],
    ['all labels taken off a slice', (stage) => edit(stage, 'slice', { metadata: { labels: {} } })],
    ['the Endpoints emptied', (stage) => edit(stage, 'endpoints', { subsets: [] })],
    [
      'the ports of a slice changed',
      (stage) => edit(stage, 'slice', { ports: [{ name: '', port: 9, protocol: 'TCP' }] }),
    ],
  ];

  const slice = (stage: Stage): EndpointSlice => stage.observed().slices[0] as EndpointSlice;

  function edit(stage: Stage, what: 'service' | 'slice' | 'endpoints', change: object): void {
    const object = what === 'slice' ? slice(stage) : (stage.observed()[what] as KubeObject);
    const { metadata, spec, ...others } = change as Record<string, object>;
    const now = object as KubeObject & { spec?: object };
    stage.cluster.put({
      ...now,
      ...others,
      metadata: { ...now.metadata, ...metadata },
      ...(now.spec && { spec: { ...now.spec, ...spec } }),
    });
  }

  it.each(edits)('%s', async (_, damage) => {
    const stage = new Stage();
    await stage.apply({});
    damage(stage);
    expect(stage.plan(aBackend()).problem).toBeUndefined();
    await stage.apply({});
    expect(stage.plan(aBackend()).actions).toEqual([]);
    expect(stage.observed().service?.spec).toMatchObject({
      ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP' }],
    });
    expect(stage.observed().service?.spec.ports?.[0]).not.toHaveProperty('appProtocol');
    expect(stage.observed().service?.spec.ports?.[0]).not.toHaveProperty('name');
    expect(stage.observed().service?.spec.selector).toBeUndefined();
    expect(stage.addresses.toSorted()).toEqual(['10.20.0.11', '10.20.0.12']);
  });

  it('keeps labels and annotations of other clients on the Service', async () => {
    const stage = new Stage();
    await stage.apply({});
    edit(stage, 'service', {
      metadata: { labels: { ...stage.observed().service?.metadata.labels, theirs: 'x' } },
    });
    expect(stage.plan(aBackend()).actions).toEqual([]);
    await stage.apply(specOf('labels and annotations'));
    await stage.apply({});
    expect(stage.observed().service?.metadata.labels).toEqual({
      'app.kubernetes.io/managed-by': 'external-backend-operator',
      theirs: 'x',
    });
  });

  it('removes a foreign key from a selector without removing ours for a moment', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a longer selector'));
    stage.cluster.onWrite = () => expect(stage.observed().service?.spec.selector).toHaveProperty('app', 'db');
    await stage.apply(specOf('a selector'));
    expect(stage.observed().service?.spec.selector).toEqual({ app: 'db' });
  });

  it('keeps the allocated node port when it removes a foreign port', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a node port'));
    const [port] = stage.observed().service?.spec.ports ?? [];
    edit(stage, 'service', { spec: { ports: [port, { name: 'x', port: 9 }] } });
    await stage.apply(specOf('a node port'));
    expect(stage.observed().service?.spec.ports).toEqual([port]);
  });

  it('sets no node port on a Service that no longer has one', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a node port'));
    edit(stage, 'service', {
      spec: { ports: [...(stage.observed().service?.spec.ports ?? []), { name: 'x', port: 9 }] },
    });
    const plan = stage.plan(aBackend());
    expect(plan.actions).toContainEqual(
      expect.objectContaining({
        op: 'setService',
        spec: expect.objectContaining({
          ports: [{ port: 5432, targetPort: 5432, protocol: 'TCP' }],
        }) as object,
      }),
    );
  });
});

describe('the Service of the API server', () => {
  it.each([true, false])('is never written, whoever owns it and with or without adopt (%s)', (adopt) => {
    const backend = {
      ...aBackend({ services: [{ name: 'kubernetes', adopt }] }, { name: 'taker' }),
      namespace: 'default',
    };
    const inDefault = { name: 'kubernetes', namespace: 'default' };
    for (const service of [
      aService({}, inDefault),
      aService({}, { ...inDefault, ownerReferences: ownersOf('uid-of-taker', 'taker') }),
    ]) {
      const desired = theService(backend, allHealthy, true, service);
      const context = { backend, olderClaimant: undefined, maxEndpointsPerSlice: 100 };
      const plan = planService(desired, { service, slices: [], endpoints: undefined }, context);
      expect(plan).toMatchObject({ steps: [], problem: { reason: 'Conflict', published: false } });
    }
  });
});

describe('objects of other clients', () => {
  const theirService = aService();
  const controlled = aService({}, { ownerReferences: ownersOf('x', 'web', 'Deployment') });
  const theirEndpoints = someEndpoints(['10.30.0.1']);
  const theirSlice = aSlice(['10.30.0.1']);
  const annotated = aService(
    {},
    {
      annotations: { 'externalbackend.io/backend': name },
      ownerReferences: ownersOf('x', 'web', 'Deployment'),
    },
  );

  it.each([
    ['a Service', [theirService], false, 'Conflict'],
    ['a Service with a selector', [aService({ selector: { app: 'db' } })], false, 'Conflict'],
    ['a Service that another resource controls', [controlled], false, 'Conflict'],
    ['that, even to adopt', [controlled], true, 'Conflict'],
    ['that, with our annotation copied', [annotated], true, 'Conflict'],
    ['Endpoints alone', [theirEndpoints], false, 'Conflict'],
    ['a slice alone', [theirSlice], false, 'Conflict'],
    ['a slice of another operator', [aSlice(['10.30.0.1'], 'their-operator')], false, 'Conflict'],
    [
      'a slice with our label that another resource controls',
      [
        aSlice(['10.30.0.1'], 'external-backend-operator', {
          ownerReferences: ownersOf('x', 'web', 'Deployment'),
        }),
      ],
      false,
      'Conflict',
    ],
  ] as const)('are not written: %s', (_, objects, adopt, reason) => {
    const stage = new Stage();
    for (const object of objects) stage.cluster.put(object);
    const plan = stage.plan(aBackend(service({ adopt })));
    expect(plan).toMatchObject({ actions: [], problem: { service: name, reason } });
  });

  it('no longer cause a conflict once they are removed', async () => {
    const stage = new Stage();
    stage.cluster.put(theirEndpoints);
    stage.cluster.remove('Endpoints', namespace, name);
    await stage.apply({});
    expect(stage.plan(aBackend())).toEqual({ actions: [], problem: undefined });
  });

  it('under the name of our Service are not changed, and ours is repaired', async () => {
    const stage = new Stage();
    await stage.apply({});
    stage.cluster.put(theirSlice);
    const plan = stage.plan(aBackend(), allBut('10.20.0.11'));
    expect(plan.problem).toMatchObject({ reason: 'Conflict' });
    expect(plan.actions).toHaveLength(2);
    expect(JSON.stringify(plan.actions)).not.toContain('orders-db-theirs');
  });

  it('are in no action, whatever exists and whatever is desired', async () => {
    const strangers = [
      theirService,
      controlled,
      theirEndpoints,
      theirSlice,
      aSlice(['10.30.0.2'], 'their-operator', { name: 'op' }),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(strangers),
        anyShape.filter((shape) => shape !== 'adopt'),
        fc.boolean(),
        async (objects, shape, before) => {
          const stage = new Stage();
          if (before) await stage.apply({});
          for (const object of objects) if (!before || object.kind !== 'Service') stage.cluster.put(object);
          const stood = stage.cluster
            .all('EndpointSlice')
            .filter(({ metadata }) => metadata.ownerReferences === undefined);
          await stage.perform(stage.plan(aBackend(specOf(shape))).actions);
          expect(stage.cluster.all('EndpointSlice')).toEqual(expect.arrayContaining([...stood]));
          const theirs = before ? [] : objects.filter(({ kind }) => kind === 'Service');
          if (theirs.length > 0) expect(stage.observed().service?.spec).toEqual(theirService.spec);
          if (!before && objects.includes(theirEndpoints))
            expect(stage.observed().endpoints?.subsets).toEqual(theirEndpoints.subsets);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('include a Service name that an older backend has', () => {
    expect(new Stage().plan(aBackend(), allHealthy, 'elder')).toMatchObject({
      actions: [],
      problem: { reason: 'NameClaimed' },
    });
  });

  it('become ours when the sibling that left them no longer claims the name', async () => {
    const stage = new Stage();
    await stage.perform(stage.plan(aBackend(service({}), { name: 'elder' })).actions);
    await stage.apply(service({}));
    expect(stage.plan(aBackend(service({})))).toEqual({ actions: [], problem: undefined });
    for (const object of [stage.observed().service, stage.observed().endpoints, ...stage.observed().slices])
      expect(object?.metadata.ownerReferences).toMatchObject([{ name, uid: 'uid-of-orders-db' }]);
  });

  it('become ours when they were left by an earlier backend of the same name', async () => {
    const stage = new Stage();
    await stage.apply({});
    const reborn = aBackend({}, { uid: 'another' });
    await stage.perform(stage.plan(reborn).actions);
    expect(stage.plan(reborn).actions).toEqual([]);
    expect(stage.observed().service?.metadata.ownerReferences).toMatchObject([{ uid: 'another' }]);
    expect(stage.observed().slices).toHaveLength(1);
  });
});

describe('adoption', () => {
  const adopting = service({ adopt: true });
  const mirrored = aSlice(['10.30.0.1'], 'endpointslicemirroring-controller.k8s.io', { name: 'mirrored' });

  it('waits for a ready address, and writes the slices meanwhile', async () => {
    const stage = new Stage();
    stage.cluster.put(aService());
    stage.cluster.put(someEndpoints(['10.30.0.1']));
    const plan = stage.plan(aBackend(adopting), nothingKnown);
    expect(plan.problem).toMatchObject({ reason: 'Adopting' });
    expect(plan.actions).toMatchObject([{ op: 'create', object: { kind: 'EndpointSlice' } }]);
    await stage.perform(plan.actions);
    expect(stage.plan(aBackend(adopting), nothingKnown).actions).toEqual([]);
  });

  it.each([
    ['Service and Endpoints', true, [aService(), someEndpoints(['10.30.0.1']), mirrored]],
    [
      'Service and Endpoints, without legacy Endpoints',
      false,
      [aService(), someEndpoints(['10.30.0.1']), mirrored],
    ],
    ['Service and slice', true, [aService(), aSlice(['10.30.0.1'])]],
    [
      'Service with a selector',
      true,
      [
        aService({ selector: { app: 'db' } }),
        someEndpoints(['10.244.0.1'], {
          labels: { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
        }),
      ],
    ],
    ['Endpoints without a Service', true, [someEndpoints(['10.30.0.1'])]],
    [
      'an alias',
      true,
      [aService({ type: 'ExternalName', externalName: 'x.example', clusterIP: undefined } as never)],
    ],
  ] as const)('takes over: %s', async (_, legacy, objects) => {
    const stage = new Stage();
    stage.legacyEndpoints = legacy;
    for (const object of objects) stage.cluster.put(object);
    let error = await stage.perform(stage.plan(aBackend(adopting)).actions);
    if (error !== undefined) {
      expect(error).toMatchObject({ kind: 'waiting', reason: 'SweepingSlices' });
      expect(stage.observed().service?.metadata.annotations).toHaveProperty(
        ['externalbackend.io/pending-slice-cleanup'],
        'pending',
      );
      error = await stage.perform(stage.plan(aBackend(adopting)).actions);
    }
    expect(error).toBeUndefined();
    expect(stage.plan(aBackend(adopting))).toEqual({ actions: [], problem: undefined });
    expect(stage.observed().service?.spec.selector).toBeUndefined();
    expect(stage.observed().service?.metadata.annotations).not.toHaveProperty([
      'externalbackend.io/pending-slice-cleanup',
    ]);
    expect(stage.addresses.toSorted()).toEqual(['10.20.0.11', '10.20.0.12']);
    expect(JSON.stringify(stage.observed().endpoints ?? {})).not.toContain('10.30.0.1');
    expect(stage.observed().endpoints === undefined).toBe(!legacy);
  });
});

describe('planRemoval', () => {
  it('deletes our objects under a Service name, and nothing else', async () => {
    const stage = new Stage();
    await stage.apply({});
    stage.cluster.put(aSlice(['10.30.0.1']));
    await stage.perform(actionsOf(planRemoval(stage.observed(), name)));
    expect(stage.observed()).toMatchObject({ service: undefined, endpoints: undefined });
    expect(stage.observed().slices.map(({ metadata }) => metadata.name)).toEqual(['orders-db-theirs']);
  });

  it('deletes an object that a finalizer keeps only once', async () => {
    const stage = new Stage();
    await stage.apply(specOf('a load balancer'));
    const { service: object } = stage.observed();
    if (object === undefined) throw new Error('no Service');
    const metadata = { ...object.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' };
    stage.cluster.put({ ...object, metadata });
    const kinds = (actions: readonly Action[]) => actions.map((a) => (a.op === 'delete' ? a.ref.kind : a.op));
    expect(kinds(actionsOf(planRemoval(stage.observed(), name)))).toEqual(['Endpoints', 'EndpointSlice']);
    expect(kinds(stage.plan(aBackend(specOf('headless'))).actions)).not.toContain('Service');
    expect(kinds(stage.plan(aBackend(specOf('headless'))).actions)).not.toContain('applyService');
  });

  it('deletes nothing that only has our annotation, because people copy annotations', () => {
    const stage = new Stage();
    stage.cluster.put(aService({}, { annotations: { 'externalbackend.io/backend': name } }));
    expect(planRemoval(stage.observed(), name)).toEqual([]);
  });
});

describe('several Services of one backend', () => {
  it('have independent plans', () => {
    const backend = aBackend({ services: [{ name: 'rw' }, { name: 'ro', headless: true }] });
    expect(desiredOf(backend).map(({ name: each, headless }) => [each, headless])).toEqual([
      ['rw', false],
      ['ro', true],
    ]);
  });
});

describe('a switch of an exclusive Service in two halves', () => {
  it('contains the Service and Endpoints in case the first half is refused', async () => {
    const stage = new Stage();
    const spec = (hosts: readonly string[], appProtocol?: string): SpecInput => ({
      targets: hosts.map((host) => ({ host })),
      ports: [{ port: 6379, ...(appProtocol !== undefined && { appProtocol }) }],
    });
    await stage.apply(spec(['10.20.0.11', '10.20.0.12']));
    const backend = aBackend(spec(['10.20.0.12', '10.20.0.13'], 'redis'));
    const desired = theService(backend, allHealthy, true, stage.observed().service);
    const exclusive = { ...desired, spec: { ...desired.spec, role: 'Primary' as const } };
    const context = { backend, olderClaimant: undefined, maxEndpointsPerSlice: 100 };
    const plan = planService(exclusive, stage.observed(), context);
    const kinds = (steps: readonly Step[] = []) =>
      actionsOf(steps).map((action) =>
        'object' in action ? `${action.op} ${action.object.kind}` : action.op,
      );
    expect([plan.again, kinds(plan.steps), kinds(plan.otherwise)]).toEqual([
      true,
      ['update EndpointSlice'],
      ['applyService', 'update Endpoints'],
    ]);
  });
});
