import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/core/kubernetes/objects.ts';
import type { RequestObserver } from '../../src/kube/client/client.ts';
import { Reflector } from '../../src/kube/cache/reflector.ts';
import type { ReflectorOptions } from '../../src/kube/cache/reflector.ts';
import type { Change } from '../../src/kube/cache/store.ts';
import { systemClock } from '../../src/system-clock.ts';
import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { isAtLeast } from '../controlplane/kubernetes-version.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { clientFor, silent } from '../kube/support/connect.ts';
import { TcpProxy } from '../kube/support/tcp-proxy.ts';
import { until } from '../support/eventually.ts';

const configMaps = { root: '/api/v1', plural: 'configmaps', kind: 'ConfigMap', apiVersion: 'v1' };

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const verbs = (change: Change<ConfigMap>): string =>
  change.before === undefined ? 'added' : change.after === undefined ? 'deleted' : 'updated';

describe('Reflector on a real API server', () => {
  let plane: Plane;
  let admin: Api;
  let space: string;
  const cleanups: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    plane = await startPlane({ address: '10.99.1.1', crds: false, audit: false });
    admin = api(plane.details);
  }, 120_000);
  afterAll(() => plane.stop());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A reflector of one namespace's ConfigMaps labelled `watched`, through a proxy of its own, and what it told. */
  async function reflect(more: Partial<ReflectorOptions<ConfigMap>> = {}) {
    space = await namespace(plane.details, 'reflector');
    const proxy = await TcpProxy.to(plane.details.server);
    const asked: string[] = [];
    const observer: RequestObserver = { apiRequested: ({ verb, code }) => asked.push(`${verb} ${code}`) };
    const client = clientFor(plane.details, { server: proxy.url, observer });
    const told: string[] = [];
    const restarts: string[] = [];
    const reflector = new Reflector<ConfigMap>({
      client,
      clock: systemClock,
      random: () => 0.5,
      logger: silent,
      resource: configMaps,
      namespace: space,
      labelSelector: 'watched=yes',
      project: (raw) => raw as ConfigMap,
      onChange: (change) => {
        const { name } = (change.after ?? change.before)?.metadata ?? { name: '' };
        told.push(`${verbs(change)} ${name}`);
      },
      observer: { watchRestarted: (_resource, reason) => restarts.push(reason) },
      maxBackoffMs: 1_000,
      ...more,
    });
    cleanups.push(
      () => proxy.close(),
      () => client.close(),
      () => reflector.stop(),
    );
    const start = async () => {
      reflector.start();
      await reflector.synced;
      await until('a watch is open', () => asked.includes('watch 200'));
    };
    const names = () => [...reflector.store.values()].map((object) => object.metadata.name).toSorted();
    return { reflector, proxy, client, asked, told, restarts, start, names };
  }

  const create = (name: string, data: Record<string, string> = {}) =>
    admin.create({
      kind: 'ConfigMap',
      metadata: { name, namespace: space, labels: { watched: 'yes' } },
      data,
    });

  const settled = async (names: () => string[], ...expected: string[]) => {
    await until(`names are ${expected.join()}`, () => names().join() === expected.join());
  };

  const createMany = async (count: number): Promise<string[]> => {
    const all = Array.from({ length: count }, (_, at) => `c${String(at).padStart(4, '0')}`);
    for (let at = 0; at < all.length; at += 50) {
      await Promise.all(all.slice(at, at + 50).map((name) => create(name)));
    }
    return all;
  };

  /** Changes three of those that were created. */
  const follows = async ({ told, reflector }: Awaited<ReturnType<typeof reflect>>) => {
    told.length = 0;
    await admin.patch('ConfigMap', 'c0000', space, { data: { a: '1' } });
    await admin.delete('ConfigMap', 'c0001', space);
    await create('new');
    await until('three changes', () => told.length === 3);
    expect(told).toEqual(['updated c0000', 'deleted c0001', 'added new']);
    expect(reflector.store.get(`${space}/c0000`)?.data).toEqual({ a: '1' });
  };

  /** Since Kubernetes 1.34 the feature gate WatchList is on by default. */
  const firstRequests = isAtLeast('1.34')
    ? ['watch 200']
    : ['watch 422', 'list 200', 'list 200', 'list 200', 'watch 200'];

  it('gets 1,200 objects and the changes that follow by one request, or in pages before Kubernetes 1.34', async () => {
    const reflected = await reflect();
    const all = await createMany(1_200);
    await reflected.start();
    expect(reflected.names()).toEqual(all);
    expect(reflected.asked).toEqual(firstRequests);
    await follows(reflected);
  }, 60_000);

  it('is caught up once it has all earlier writes, even if its watch delivers nothing', async () => {
    const { reflector, proxy, start, names, told } = await reflect();
    await start();
    await create('early');
    await settled(names, 'early');
    proxy.silence();
    await create('late');
    told.length = 0;
    await reflector.caughtUp(new AbortController().signal);
    expect([names(), told]).toEqual([['early', 'late'], ['added late']]);
    await create('later');
    await settled(names, 'early', 'late', 'later');
    expect(told).toEqual(['added late', 'added later']);
  }, 60_000);

  it('waits to catch up while the API server is away, until the wait is cancelled', async () => {
    const { reflector, proxy, start, names } = await reflect();
    await start();
    proxy.refuse(true);
    await create('late');
    const calledOff = new AbortController();
    const off = reflector.caughtUp(calledOff.signal);
    const on = reflector.caughtUp(new AbortController().signal);
    calledOff.abort(new Error('the lease is lost'));
    await expect(off).rejects.toThrow('the lease is lost');
    expect(names()).toEqual([]);
    proxy.refuse(false);
    await on;
    expect(names()).toEqual(['late']);
  }, 60_000);

  it('reports no part of the initial events if the connection ends meanwhile', async () => {
    const { reflector, start, proxy, names, told, restarts } = await reflect();
    const all = await createMany(300);
    proxy.cutAfter(60_000);
    reflector.start();
    await until('two attempts were cut', () => restarts.length === 2);
    expect([names(), told]).toEqual([[], []]);
    proxy.cutAfter(Infinity);
    await start();
    expect(names()).toEqual(all);
    expect(told.toSorted()).toEqual(all.map((name) => `added ${name}`));
  }, 60_000);

  it('lists in pages if the server does not support a full watch, then follows changes', async () => {
    const restart = async (...flags: readonly string[]) => {
      await plane.stopApiServer();
      await plane.startApiServer(...flags);
    };
    cleanups.push(restart);
    await restart('--feature-gates=WatchList=false');
    const reflected = await reflect();
    const all = await createMany(1_200);
    await reflected.start();
    expect(reflected.names()).toEqual(all);
    expect(reflected.asked).toEqual(['watch 422', 'list 200', 'list 200', 'list 200', 'watch 200']);
    await follows(reflected);
  }, 90_000);

  it('continues after a reset, and reports nothing twice', async () => {
    const { start, names, told, proxy, restarts } = await reflect();
    await create('a');
    await start();
    proxy.reset();
    await create('b');
    await settled(names, 'a', 'b');
    expect(told).toEqual(['added a', 'added b']);
    expect(restarts).toEqual(['ConnectionLost']);
  });

  it('keeps its objects while the API server is unreachable, and gets the changes of that time', async () => {
    const { start, names, told, proxy, reflector } = await reflect();
    await create('gone');
    await create('kept');
    await create('reborn');
    const before = await admin.get('ConfigMap', 'reborn', space);
    await start();
    told.length = 0;

    proxy.refuse(true);
    await admin.delete('ConfigMap', 'gone', space);
    await admin.delete('ConfigMap', 'reborn', space);
    const after = await create('reborn', { life: 'second' });
    await until('several attempts', () => proxy.accepted > 5);
    expect(names()).toEqual(['gone', 'kept', 'reborn']);
    expect(told).toEqual([]);

    proxy.refuse(false);
    await settled(names, 'kept', 'reborn');
    expect(told.toSorted()).toEqual(['added reborn', 'deleted gone', 'deleted reborn']);
    expect(told.indexOf('deleted reborn')).toBeLessThan(told.indexOf('added reborn'));
    expect(reflector.store.get(`${space}/reborn`)?.metadata.uid).toBe(after.metadata.uid);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
  }, 30_000);

  it('ends a silent connection and gets the missed changes', async () => {
    const { start, names, proxy, restarts } = await reflect({ idleTimeoutMs: 1_500 });
    await create('a');
    await start();
    proxy.silence();
    await create('b');
    await settled(names, 'a', 'b');
    expect(restarts[0]).toBe('Silent');
  }, 30_000);

  it('survives a restart of the API server, and reports no object that did not change', async () => {
    const { start, names, told } = await reflect();
    await create('a');
    await create('b');
    await start();
    told.length = 0;
    await plane.stopApiServer();
    await plane.startApiServer();
    await create('c');
    await settled(names, 'a', 'b', 'c');
    expect(told).toEqual(['added c']);
  }, 60_000);

  it('lists again when the server no longer knows its version', async () => {
    // A new API server's memory begins with its start.
    await plane.stopApiServer();
    await plane.startApiServer();
    const { start, names, told, proxy, reflector, restarts } = await reflect();
    await create('a');
    await start();
    told.length = 0;
    reflector.store.advance('1');
    proxy.reset();
    await create('b');
    await settled(names, 'a', 'b');
    expect(restarts).toEqual(['ConnectionLost', 'Expired']);
    expect(told).toEqual(['added b']);
  }, 60_000);

  it('does not let late events undo the answers to writes of the operator', async () => {
    const { start, names, told, proxy, reflector, client } = await reflect();
    await start();
    proxy.silence();
    const created = await create('mine');
    const updated = await admin.patch('ConfigMap', 'mine', space, { data: { step: '2' } });
    reflector.put(updated);
    reflector.put(created);
    expect(reflector.store.get(`${space}/mine`)?.data).toEqual({ step: '2' });
    await admin.delete('ConfigMap', 'mine', space);
    reflector.remove(`${space}/mine`, created.metadata.uid);
    proxy.reset();
    await create('other');
    await settled(names, 'other');
    expect(told).toEqual(['added mine', 'deleted mine', 'added other']);
    expect(client.load.inFlight).toBe(0);
  });

  it('reports the other changes when a listener throws', async () => {
    const heard: string[] = [];
    const { start } = await reflect({
      onChange: (change) => {
        heard.push(change.after?.metadata.name ?? '');
        throw new Error('not today');
      },
    });
    await create('a');
    await create('b');
    await start();
    await create('c');
    await until('all heard', () => heard.length === 3);
    expect(heard.toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('reports nothing after it was stopped', async () => {
    const { start, told, reflector, proxy } = await reflect();
    await start();
    await reflector.stop();
    await create('a');
    await until('the watch is closed', () => proxy.open <= 1);
    expect(told).toEqual([]);
  });
});
