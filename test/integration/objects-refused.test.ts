import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { ApiError } from '../controlplane/api.ts';
import { controlPlane } from '../controlplane/details.ts';
import { plain } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { StoredBackend, World } from '../support/cluster/world.ts';

/** A refusal is tried again within a minute. */
const healMs = 75_000;

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'refused', args: ['--max-endpoints-per-slice=2'] });
});

afterAll(() => world.close());

const ip = (n: number) => `10.20.47.${n}`;

/** Denies slices with an address that ends with these digits, in this namespace; resolves when it is in force. */
async function deny(digits: string, reason?: 'Forbidden'): Promise<() => Promise<void>> {
  const name = `${world.ns}-${digits}`;
  const selector = { matchLabels: { 'kubernetes.io/metadata.name': world.ns } };
  const rule = {
    ...{ apiGroups: ['discovery.k8s.io'], apiVersions: ['v1'], resources: ['endpointslices'] },
    operations: ['CREATE', 'UPDATE'],
  };
  await world.admin.create({
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: [rule], namespaceSelector: selector },
      validations: [
        {
          expression: `!object.endpoints.exists(e, e.addresses.exists(a, a.endsWith('.${digits}')))`,
          message: 'not in the address plan',
          ...(reason !== undefined && { reason }),
        },
      ],
    },
  });
  await world.admin.create({
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  });
  await eventually(
    () => isDenied(digits),
    (is) => is,
  );
  return async () => {
    await world.admin.delete('ValidatingAdmissionPolicyBinding', name);
    await world.admin.delete('ValidatingAdmissionPolicy', name);
  };
}

async function isDenied(digits: string): Promise<boolean> {
  try {
    await world.admin.create({
      kind: 'EndpointSlice',
      metadata: { name: `probe-${digits}`, namespace: world.ns },
      addressType: 'IPv4',
      endpoints: [{ addresses: [`10.20.48.${digits}`] }],
      ports: [],
    });
    await world.admin.delete('EndpointSlice', `probe-${digits}`, world.ns);
    return false;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 422 || error.status === 403)) return true;
    throw error;
  }
}

const address = (backend: StoredBackend | undefined, host: string) =>
  backend?.status?.targets?.find((target) => target.host === host)?.addresses[0];

const seen = (name: string, holds: (backend: StoredBackend) => boolean, ms = 5_000, what = '') =>
  world.backends.until(
    (now) => {
      const backend = now.get(name);
      return backend !== undefined && holds(backend) ? backend : undefined;
    },
    ms,
    what,
  );

describe('one address that an admission policy denies', () => {
  it.each([
    ['Invalid', undefined, '63'],
    ['Forbidden', 'Forbidden', '64'],
  ] as const)(
    'is left out and reported within seconds, and added when the policy is deleted: %s',
    async (reason, code, digits) => {
      const [one, two, three] = [ip(1), ip(2), `10.20.47.${digits}`];
      const name = `db-${reason.toLowerCase()}`;
      await world.publish(name, plain([one, two]));
      await world.serves(name, [one, two]);
      const end = await deny(digits, code);
      await world.apply(name, plain([one, two, three]));
      const told = await seen(name, (each) => address(each, three)?.reason === 'PublishRefused');
      expect(conditionOf(told, 'Ready')).toMatchObject({ status: 'False', reason });
      expect(conditionOf(told, 'Available')?.status).toBe('True');
      expect(address(told, three)).toMatchObject({
        ready: false,
        message: expect.stringContaining('not in the address plan'),
      });
      await world.serves(name, [one, two]);
      const { targets } = plain([one, two, three]) as { targets: readonly object[] };
      const dead = targets.map((target, i) => (i === 1 ? { ...target, drain: true } : target));
      await world.apply(name, { ...plain([one, two, three]), targets: dead });
      await world.serves(name, [one]);
      await world.apply(`${name}-new`, plain([one, three]));
      await world.serves(`${name}-new`, [one]);
      await end();
      await world.serves(name, [one, three], healMs);
      await world.serves(`${name}-new`, [one, three], healMs);
      await seen(name, (each) => conditionOf(each, 'Ready')?.status === 'True');
    },
    180_000,
  );
});

it('A failed address is removed while a quota refuses a new slice, which is created when there is room', async () => {
  await world.publish('quota', plain([ip(21), ip(22)]));
  const used = String((await world.admin.list('EndpointSlice', world.ns)).length);
  const key = 'count/endpointslices.discovery.k8s.io';
  await world.admin.create({
    kind: 'ResourceQuota',
    metadata: { name: 'slices', namespace: world.ns },
    spec: { hard: { [key]: used } },
  });
  await world.admin.patchStatus('ResourceQuota', 'slices', world.ns, {
    status: { hard: { [key]: used }, used: { [key]: used } },
  });
  await world.apply('quota', plain([ip(21), ip(22), ip(23)]));
  const told = await seen('quota', (each) => address(each, ip(23))?.reason === 'PublishRefused');
  expect(conditionOf(told, 'Ready')).toMatchObject({
    status: 'False',
    reason: 'Forbidden',
    message: expect.stringContaining('exceeded quota'),
  });
  const { targets } = plain([ip(21), ip(22), ip(23)]) as { targets: readonly object[] };
  await world.apply('quota', {
    ...plain([ip(21), ip(22), ip(23)]),
    targets: targets.map((each, i) => (i === 0 ? { ...each, drain: true } : each)),
  });
  await world.serves('quota', [ip(22)]);
  await world.admin.delete('ResourceQuota', 'slices', world.ns);
  await world.serves('quota', [ip(22), ip(23)], healMs);
}, 120_000);

it('Slices follow the probes while a webhook of Endpoints is down, and that is reported', async () => {
  await world.publish('hook', plain([ip(31), ip(32)]));
  await world.admin.create({
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: world.ns },
    webhooks: [
      {
        name: 'down.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 1,
        clientConfig: { url: 'https://127.0.0.1:1/deny' },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': world.ns } },
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['endpoints'],
          },
        ],
      },
    ],
  });
  const isDown = async () => {
    return world.admin
      .patch('Endpoints', 'hook', world.ns, {
        metadata: { labels: { seen: String(Math.trunc(performance.now())) } },
      })
      .then(
        () => false,
        () => true,
      );
  };
  await eventually(isDown, (is) => is);
  const { targets } = plain([ip(31), ip(32)]) as { targets: readonly object[] };
  await world.apply('hook', {
    ...plain([ip(31), ip(32)]),
    targets: targets.map((each, i) => (i === 0 ? { ...each, drain: true } : each)),
  });
  await world.serves('hook', [ip(32)]);
  await seen('hook', (each) => conditionOf(each, 'Ready')?.reason === 'InternalError', 15_000);
  await world.admin.delete('ValidatingWebhookConfiguration', world.ns);
  await world.ready('hook', 'True');
}, 120_000);

it('A node port that another Service has is reported, and used when it is free', async () => {
  const ports = [{ port: 80, nodePort: 30_471 }];
  await world.admin.create({
    kind: 'Service',
    metadata: { name: 'theirs', namespace: world.ns },
    spec: { type: 'NodePort', ports },
  });
  await world.apply(
    'port',
    plain([ip(41)], {
      ports: [{ port: 5432, nodePort: 30_471 }],
      services: [{ name: 'port', type: 'NodePort' }],
    }),
  );
  const told = await seen('port', (each) => conditionOf(each, 'Ready')?.reason === 'Invalid');
  expect(conditionOf(told, 'Available')).toMatchObject({ status: 'False', reason: 'NotPublished' });
  await world.admin.delete('Service', 'theirs', world.ns);
  await seen('port', (each) => conditionOf(each, 'Ready')?.status === 'True', healMs);
}, 120_000);
