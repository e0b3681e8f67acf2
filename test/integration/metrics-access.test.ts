import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';

import type { Api } from '../controlplane/api.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import type { Plane } from '../controlplane/plane.ts';
import { startNamespacedPlane } from '../support/cluster/namespaced-plane.ts';
import type { NamespacedPlane } from '../support/cluster/namespaced-plane.ts';
import { eventually } from '../support/eventually.ts';

const config = join(import.meta.dirname, '../../config');
const reader = 'external-backend-operator-metrics-reader';
let own: Plane;
let admin: Api;
let apply: NamespacedPlane['apply'];
let operator: RunningOperator;

beforeAll(async () => {
  ({ own, admin, apply } = await startNamespacedPlane('10.99.2.31', ['shop', 'monitoring']));
  operator = await startOperator(own.details, { namespace: 'shop', args: ['--metrics-auth=token'] });
}, 60_000);

afterAll(async () => {
  await operator.kill();
  await own.stop();
});

/** A token of a new ServiceAccount, as the kubelet would project it into a pod. */
async function tokenOf(name: string): Promise<string> {
  await admin.create({ kind: 'ServiceAccount', metadata: { name, namespace: 'monitoring' } });
  const path = `/api/v1/namespaces/monitoring/serviceaccounts/${name}/token`;
  const answer = await admin.send('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  return (answer as { status: { token: string } }).status.token;
}

const allow = (name: string) =>
  admin.create({
    kind: 'ClusterRoleBinding',
    metadata: { name: `metrics-${name}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: reader },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'monitoring' }],
  });

async function scrape(token?: string): Promise<{ readonly status: number; readonly body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(operator.metricsUrl, { headers });
  return { status: response.status, body: await response.text() };
}

const statusOf = async (token?: string) => (await scrape(token)).status;

/** One address asks about one unknown token a second where that lets nobody in. */
const answers = (token: string, status: number, deadlineMs = 10_000) =>
  eventually(
    () => statusOf(token),
    (now) => now === status,
    { fact: `a client is answered ${status}`, deadlineMs },
  );

describe('/metrics', () => {
  it('is refused to all while the operator may not ask whose token it is, and the log says what is missing', async () => {
    expect(await statusOf(await tokenOf('early'))).toBe(503);
    const warnings = operator.lines().filter(({ msg }) => String(msg).includes('tokenreviews'));
    expect(warnings).toMatchObject([{ level: 'warn', error: { reason: 'Forbidden' } }]);
    await apply('-k', join(config, 'rbac-namespaced/metrics'));
  });

  it('is given to a ServiceAccount that is bound to the role for it, and to no other client', async () => {
    const [prometheus, stranger] = [await tokenOf('prometheus'), await tokenOf('stranger')];
    await allow('prometheus');
    await answers(prometheus, 200);
    await answers(stranger, 403);
    await answers('not-a-token', 401);
    await answers(own.details.tokens.bob, 403);
    await answers(own.details.tokens.admin, 200);
    expect(await statusOf()).toBe(401);
    expect((await scrape(prometheus)).body).toContain('external_backend_build_info{');
    expect((await scrape(stranger)).body).not.toContain('external_backend_build_info');
    expect(operator.log(Infinity)).not.toContain(prometheus);
  }, 30_000);

  it('goes on for who was let in while the API server is away, and is refused to others', async () => {
    const [known, late] = [await tokenOf('known'), await tokenOf('late')];
    for (const name of ['known', 'late']) await allow(name);
    await answers(known, 200);
    await own.stopApiServer();
    try {
      expect([await statusOf(known), await statusOf(late)]).toEqual([200, 503]);
    } finally {
      await own.startApiServer();
    }
    await answers(late, 200, 30_000);
  }, 60_000);

  it('leaves health open to the kubelet, which has no token', async () => {
    expect((await fetch(`${operator.url}/livez`)).status).toBe(200);
    expect((await fetch(`${operator.url}/metrics`)).status).toBe(404);
  });
});
