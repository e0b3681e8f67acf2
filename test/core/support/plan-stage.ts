import fc from 'fast-check';
import { planService } from '../../../src/core/publish/plan.ts';
import { aBackend, allHealthy, namespace, theService } from '../../support/builders/builders.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { OperatorError } from '../../../src/core/errors.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { PlanStep } from '../../../src/core/kubernetes/plan-step.ts';
import type { ServicePlan } from '../../../src/core/publish/plan.ts';
import type { SpecInput } from '../../support/builders/builders.ts';

export const name = 'orders-db';

export type Planned = Pick<ServicePlan, 'problem'> & { readonly actions: readonly Action[] };
export const actionsOf = (steps: readonly PlanStep[]): readonly Action[] => steps.map(({ action }) => action);

/** Makes plans for the Service of a backend, and applies them. */
export class Stage {
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

export const service = (over: Readonly<Record<string, unknown>>): SpecInput => ({
  services: [{ name, ...over }],
});

export const shapes: Readonly<Record<string, SpecInput>> = {
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

export const anyShape = fc.constantFrom(...Object.keys(shapes));
export const specOf = (shape: string): SpecInput => shapes[shape] ?? {};
