import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { KubeCache } from '../../../src/kube/cache/cluster-cache.ts';
import { systemClock, systemRandom } from '../../../src/system-clock.ts';
import { clientOf, kubeConfig, silent } from '../support/connect.ts';
import { httpApi } from '../support/http-api.ts';
import { until } from '../../support/eventually.ts';

const backend = (namespace: string) => ({
  apiVersion: 'externalbackend.io/v1alpha1',
  kind: 'ExternalBackend',
  metadata: { name: 'db', namespace, uid: `uid-${namespace}`, resourceVersion: '5', generation: 1 },
  spec: { services: [{ name: 'db' }] },
});

describe('KubeCache', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** An API server with a backend in each namespace, and a view of these; `refuses` is asked of each path. */
  async function viewOf(namespaces: readonly string[], refuses: (path: string) => boolean, status = 403) {
    const send = (response: ServerResponse, type: string, object: unknown) =>
      response.write(`${JSON.stringify({ type, object })}\n`);
    const api = await httpApi(({ url = '' }, response) => {
      const { pathname } = new URL(url, 'http://x');
      if (refuses(pathname))
        return void response
          .writeHead(status)
          .end(JSON.stringify({ reason: 'Forbidden', message: 'no Role' }));
      response.writeHead(200);
      const [, namespace = ''] = /namespaces\/([^/]+)\/externalbackends$/.exec(pathname) ?? [];
      if (namespace !== '') send(response, 'ADDED', backend(namespace));
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      send(response, 'BOOKMARK', { metadata: { resourceVersion: '7', annotations } });
    });
    const client = clientOf(() => kubeConfig({ server: api.url }));
    const told: string[] = [];
    const view = new KubeCache({
      ...{ client, clock: systemClock, random: systemRandom, logger: silent, namespaces },
      onChange: (kind, _change, concerned) => told.push(`${kind} ${concerned.join()}`),
    });
    cleanups.push(
      () => api.close(),
      () => client.close(),
      () => view.stop(),
    );
    view.start();
    return { view, told };
  }

  const shop = 'ExternalBackend shop/db';
  const bank = 'ExternalBackend bank/db';

  it.each(['externalbackends', 'services', 'endpointslices', 'endpoints'])(
    'catches up with one namespace while another one gets no %s',
    async (kind) => {
      let fails = false;
      const { view } = await viewOf(['shop', 'bank'], (path) => fails && path.endsWith(`/bank/${kind}`), 503);
      await view.synced;
      expect(view.served()).toEqual(['shop', 'bank']);
      fails = true;
      const term = new AbortController();
      const bankCaughtUp = view.caughtUp(term.signal, 'bank').then(() => !fails);
      await view.caughtUp(term.signal, 'shop');
      fails = false;
      expect(await bankCaughtUp).toBe(true);
      expect(view.unreadable()).toEqual([]);
    },
  );

  it('reports the namespaces that can be read, and names the one that cannot', async () => {
    const { view, told } = await viewOf(['shop', 'bank'], (path) => path.includes('/bank/'));
    await view.synced;
    expect(told).toEqual([shop]);
    expect([...view.backends()].map(({ metadata }) => metadata.namespace)).toEqual(['shop']);
    expect(view.unreadable()).toEqual([expect.stringMatching(/^namespace bank \(.*no Role\)$/)]);
  });

  it.each(['externalbackends', 'services', 'endpointslices', 'endpoints'])(
    'tells nothing of a namespace of which it cannot read the %s, and all of it once it can',
    async (kind) => {
      let refuses = true;
      const { view, told } = await viewOf(
        ['shop', 'bank'],
        (path) => refuses && path.endsWith(`/bank/${kind}`),
      );
      await view.synced;
      expect(told).toEqual([shop]);
      refuses = false;
      await until('the other namespace is told of', () => told.length > 1);
      expect(told).toEqual([shop, bank]);
      expect(view.unreadable()).toEqual([]);
    },
  );
});
