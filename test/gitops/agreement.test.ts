import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { allErrorReasons, OperatorError } from '../../src/core/errors.ts';
import { problemReasons } from '../../src/core/publish/problems.ts';
import { invalidHalt, statusOfHalt, suspendedHalt } from '../../src/core/status/status.ts';
import { condition, now, status } from '../core/support/statuses.ts';
import { aBackend, healthy, twoTargets, unhealthy } from '../support/builders/builders.ts';
import { agreeingVerdicts, fluxExpressions, healthScript } from '../support/builders/gitops-states.ts';
import { argoHealths, fluxStatuses, kstatuses } from '../support/cluster/gitops.ts';
import type { Status } from '../../src/api/external-backend.ts';
import type { Health } from '../../src/core/health/state.ts';
import type { KStatus } from '../support/cluster/gitops.ts';
import type { Problem } from '../../src/core/publish/problems.ts';

// Tools must not contradict each other, whatever state a backend is in.

const backend = aBackend();

const healths = fc.array(fc.constantFrom<Health | undefined>(healthy, unhealthy, undefined), {
  minLength: twoTargets.length,
  maxLength: twoTargets.length,
});

const reasons = Object.keys(problemReasons) as readonly Problem['reason'][];

/** A Service that waits to be taken over is never published yet. */
const problems = fc.array(
  fc.tuple(fc.constantFrom(...reasons), fc.boolean()).map(([reason, drawn]): Problem => ({
    service: 'orders-db',
    reason,
    message: 'a problem',
    published: drawn && reason !== 'Adopting',
  })),
  { maxLength: 2 },
);

const errors = fc.option(
  fc
    .constantFrom(...allErrorReasons)
    .map((reason) => new OperatorError('an error', { kind: 'transient', reason })),
  { nil: undefined, freq: 2 },
);

const reconciled = fc
  .record({ healths, problems, error: errors })
  .map(({ healths: [first, second], ...over }) =>
    status(backend, (id) => (id.startsWith(twoTargets[0]?.host ?? '') ? first : second), over),
  );

const halts = fc.constantFrom(suspendedHalt, invalidHalt([{ path: 'spec', message: 'is wrong' }]));

const statuses = fc.oneof(
  { weight: 5, arbitrary: reconciled },
  {
    weight: 1,
    arbitrary: fc.tuple(reconciled, halts).map(([before, halt]) => statusOfHalt(before, 1, halt, now)),
  },
);

const resource = (of: Status, generation: number) => ({
  apiVersion: 'externalbackend.io/v1alpha1',
  kind: 'ExternalBackend',
  metadata: { name: 'orders-db', namespace: 'shop', generation },
  spec: backend.spec,
  status: of,
});

it('kstatus, Argo CD and Flux agree on a backend in any state', async () => {
  const resources = fc
    .tuple(statuses, fc.constantFrom(1, 1, 1, 2))
    .map(([of, generation]) => resource(of, generation));
  // One run of each tool judges all of them, so none is shrunk: each state is small.
  const all = fc.sample(resources, 400);
  const [byKstatus, byArgo, byFlux] = await Promise.all([
    kstatuses(all),
    argoHealths(healthScript(), all),
    fluxStatuses(fluxExpressions(), all),
  ]);
  const disagreements = all.flatMap(({ status: { conditions = [] } }, i) => {
    const [kstatus = 'Unknown', argo, flux] = [byKstatus, byArgo, byFlux].map(
      (verdicts) => verdicts[i]?.status,
    );
    const agreeing = agreeingVerdicts[kstatus as KStatus['status']] ?? [];
    if (agreeing.some((each) => each.join() === [argo, flux].join())) return [];
    const texts = conditions.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`);
    return [`${kstatus}, ${argo}, ${flux}: ${texts.join(', ')}`];
  });
  expect(disagreements.slice(0, 5)).toEqual([]);
});

it('A tool waits no longer for a backend whose addresses all have a verdict and whose objects are written', () => {
  fc.assert(
    fc.property(
      healths.filter((all) => !all.includes(undefined)),
      ([first, second]) => {
        const of = status(backend, (id) => (id.startsWith(twoTargets[0]?.host ?? '') ? first : second));
        expect(condition(of, 'Reconciling')).toBeUndefined();
        expect(condition(of, 'Ready')?.status).toBe('True');
      },
    ),
  );
});
