import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { Api } from '../controlplane/api.ts';
import { controlPlane } from '../controlplane/details.ts';
import { startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import type { Plane } from '../controlplane/plane.ts';
import { plain } from '../support/builders/backends.ts';
import { conditionOf, openWorld } from '../support/cluster/world.ts';
import { startNamespacedPlane } from '../support/cluster/namespaced-plane.ts';
import type { NamespacedPlane } from '../support/cluster/namespaced-plane.ts';
import { eventually } from '../support/eventually.ts';

const ips = ['10.20.62.1'];

describe('of two namespaces that the operator is to serve', () => {
  let own: Plane;
  let admin: Api;
  let serve: NamespacedPlane['serve'];
  let operator: RunningOperator;

  beforeAll(async () => {
    ({ own, admin, serve } = await startNamespacedPlane('10.99.2.7', ['shop', 'bank']));
  }, 60_000);
  afterAll(async () => {
    await operator.kill();
    await own.stop();
  });

  const publish = (ns: string) =>
    admin.apply({ kind: 'ExternalBackend', metadata: { name: 'db', namespace: ns }, spec: plain(ips) });
  const reason = async (ns: string) =>
    conditionOf(await admin.get('ExternalBackend', 'db', ns), 'Ready')?.reason;

  it('one without its Role holds back neither the start nor the other one, and is named', async () => {
    await publish('bank');
    await publish('shop');
    operator = await startOperator(own.details, {
      args: ['--namespaces=bank,shop,never-there', '--leader-elect=true'],
    });
    await eventually(
      () => reason('shop'),
      (now) => now === 'Published',
      { deadlineMs: 20_000 },
    );
    expect(await reason('bank')).toBe('NotSeenYet');
    const ready = await fetch(`${operator.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringMatching(/^ok, not served: namespace bank \(.*forbidden.*, namespace never-there \(/s),
    ]);
    expect(await operator.metrics()).toMatch(/^external_backend_namespaces_not_served 2$/m);
    const named = operator.lines().filter(({ msg }) => String(msg).includes('cannot be read'));
    expect(named.map(({ namespace }) => namespace).toSorted()).toEqual(['bank', 'never-there']);
  }, 60_000);

  it('is served once it has its Role', async () => {
    await serve('bank');
    await eventually(
      () => reason('bank'),
      (now) => now === 'Published',
      { deadlineMs: 30_000 },
    );
    // The text of the metrics may be a second old.
    await eventually(
      () => operator.metrics(),
      (text) => /^external_backend_namespaces_not_served 1$/m.test(text),
    );
  }, 60_000);
});

describe('a namespace that is deleted', () => {
  it('is no reason for a warning', async () => {
    const world = await openWorld(controlPlane(), { prefix: 'ending' });
    for (const name of ['one', 'two', 'three']) await world.publish(name, plain(ips));
    const operator = world.operator();
    await world.admin.delete('Namespace', world.ns);
    await eventually(
      () => world.admin.find('Namespace', world.ns),
      (namespace) => namespace === undefined,
      { deadlineMs: 60_000 },
    );
    // A backend elsewhere would be reconciled now; all that was queued for these has been.
    await eventually(
      () => operator.metrics(),
      (text) => /^external_backend_queue_depth 0$/m.test(text),
    );
    const loud = operator.lines().filter(({ level }) => level === 'warn' || level === 'error');
    expect(loud.map(({ msg, reason, error }) => [msg, reason, error])).toEqual([]);
    await operator.kill();
    for (const recorder of [world.slices, world.backends, world.events]) recorder.stop();
  }, 90_000);
});
