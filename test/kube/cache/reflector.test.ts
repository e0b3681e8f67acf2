import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { Reflector } from '../../../src/kube/cache/reflector.ts';
import { resources } from '../../../src/kube/client/resources.ts';
import { systemClock } from '../../../src/system-clock.ts';
import { clientOf, kubeConfig, silent } from '../support/connect.ts';
import { httpApi } from '../support/http-api.ts';
import { until } from '../../support/eventually.ts';

const object = (name: string, resourceVersion: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', uid: name, resourceVersion },
});
const send = (response: ServerResponse, type: string, of: unknown) =>
  response.write(`${JSON.stringify({ type, object: of })}\n`);

describe('a Reflector of a server that does not support a full watch', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A server that answers lists and watches from a version, and a watch of all as the test says. */
  async function reflect(watchOfAll: (response: ServerResponse) => void) {
    const asked: string[] = [];
    const api = await httpApi(({ url = '' }, response) => {
      const { searchParams: query } = new URL(url, 'http://x');
      response.writeHead(200);
      if (query.get('watch') !== 'true') {
        asked.push('list');
        const list = { metadata: { resourceVersion: '9' }, items: [object('a', '5'), object('b', '6')] };
        return void response.end(JSON.stringify(list));
      }
      asked.push(query.has('resourceVersion') ? 'watch' : 'watch of all');
      if (query.has('resourceVersion')) send(response, 'ADDED', object('c', '10'));
      else watchOfAll(response);
    });
    const client = clientOf(() => kubeConfig({ server: api.url }));
    const restarts: string[] = [];
    const reflector = new Reflector<KubeObject>({
      ...{ client, clock: systemClock, random: () => 0, logger: silent, resource: resources.Service },
      project: (raw) => raw as KubeObject,
      observer: { watchRestarted: (_, reason) => restarts.push(reason) },
      firstIdleTimeoutMs: 100,
    });
    cleanups.push(
      () => api.close(),
      () => client.close(),
      () => reflector.stop(),
    );
    reflector.start();
    await reflector.synced;
    const names = () => [...reflector.store.values()].map(({ metadata }) => metadata.name).toSorted();
    await until('the watch goes on from the list', () => names().join() === 'a,b,c');
    return { asked, restarts };
  }

  const firstObject = (response: ServerResponse) => send(response, 'ADDED', object('a', '5'));

  it('lists in pages if the initial events do not end', async () => {
    const { asked, restarts } = await reflect((response) => void firstObject(response));
    expect([asked, restarts]).toEqual([['watch of all', 'list', 'watch'], ['NoFirstBookmark']]);
  });

  it('lists in pages if a bookmark comes that does not end the initial events', async () => {
    const { asked, restarts } = await reflect((response) => {
      firstObject(response);
      send(response, 'BOOKMARK', { metadata: { resourceVersion: '7' } });
    });
    expect([asked, restarts]).toEqual([['watch of all', 'list', 'watch'], ['NoFirstBookmark']]);
  });

  it('lists in pages if the watch ends too early for the third time', async () => {
    const { asked } = await reflect((response) => {
      firstObject(response);
      response.end();
    });
    expect(asked).toEqual([...Array<string>(3).fill('watch of all'), 'list', 'watch']);
  });

  it('lists in pages if the answer is a list instead of a watch', async () => {
    const { asked } = await reflect((response) => void response.end(JSON.stringify({ items: [] })));
    expect(asked).toEqual([...Array<string>(3).fill('watch of all'), 'list', 'watch']);
  });
});
