import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseIp } from '../../../src/api/ip.ts';
import { NetworkWatch, networksWaitMs } from '../../../src/kube/cache/network-watch.ts';
import { serverNetworks } from '../../../src/kube/cache/network-objects.ts';
import type { LogFields } from '../../../src/util/log.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { systemClock, systemRandom } from '../../../src/system-clock.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { clientOf, kubeConfig, silent } from '../support/connect.ts';
import { httpApi } from '../support/http-api.ts';
import { until } from '../../support/eventually.ts';

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

const serviceCidr = {
  metadata: { name: 'kubernetes', uid: 'a', resourceVersion: '1' },
  spec: { cidrs: ['10.96.0.0/16', 'fd00:96::/108'] },
};
const node = (resourceVersion = '2', address = '10.0.0.5') => ({
  metadata: { name: 'n1', uid: 'b', resourceVersion },
  spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:244::/64'] },
  status: {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: 'n1' },
    ],
  },
});
const slice = {
  metadata: { name: 'kubernetes', namespace: 'default', uid: 'c', resourceVersion: '3' },
  endpoints: [{ addresses: ['10.0.0.3'] }],
  ports: [{ name: 'https', port: 6443 }],
};
const stored: Readonly<Record<string, Stored>> = {
  servicecidrs: serviceCidr,
  nodes: node(),
  endpointslices: slice,
};

const send = (response: ServerResponse, type: string, object: unknown) =>
  response.write(`${JSON.stringify({ type, object })}\n`);

/** Sends what there is of a kind, and leaves the watch open. */
function serve(response: ServerResponse, kind: string): void {
  response.writeHead(200);
  send(response, 'ADDED', stored[kind]);
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  send(response, 'BOOKMARK', { metadata: { resourceVersion: '7', annotations } });
}

describe('the watch of the networks', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  type Answer = (kind: string, response: ServerResponse, asked: number) => void;

  async function watchOf(answer: Answer, clock: Clock = systemClock, namespaces: readonly string[] = []) {
    const asked = new Map<string, number>();
    const api = await httpApi(({ url = '' }: IncomingMessage, response) => {
      const kind = new URL(url, 'http://x').pathname.split('/').at(-1) ?? '';
      asked.set(kind, (asked.get(kind) ?? 0) + 1);
      answer(kind, response, asked.get(kind) ?? 0);
    });
    const client = clientOf(() => kubeConfig({ server: api.url }));
    const warnings: LogFields[] = [];
    let changes = 0;
    const watch = new NetworkWatch({
      ...{ client, clock, random: systemRandom, namespaces },
      logger: { ...silent, warn: (_, fields = {}) => void warnings.push(fields) },
      onChange: () => (changes += 1),
    });
    cleanups.push(
      () => api.close(),
      () => client.close(),
      () => watch.stop(),
    );
    watch.start(serverNetworks('https://[fd00::9]:6443'));
    const of = (text: string) => {
      const ip = parseIp(text);
      return (ip === undefined ? [] : watch.networksOf(ip)).map(({ kind, source }) => `${kind} ${source}`);
    };
    return { watch, of, warnings, asked, changes: () => changes };
  }

  const forbid = (response: ServerResponse) =>
    void response.writeHead(403).end(JSON.stringify({ reason: 'Forbidden', message: 'no ClusterRole' }));

  it('finds those of Services, pods, Nodes and the API server', async () => {
    const { watch, of } = await watchOf((kind, response) => serve(response, kind));
    await watch.tried;
    expect(of('10.96.0.1')).toEqual(['services ServiceCIDR kubernetes']);
    expect(of('fd00:96::a')).toEqual(['services ServiceCIDR kubernetes']);
    expect(of('10.244.1.7')).toEqual(['pods Node n1']);
    expect(of('fd00:244::7')).toEqual(['pods Node n1']);
    expect(of('10.0.0.5')).toEqual(['node Node n1']);
    expect(of('10.0.0.3')).toEqual(['apiServer EndpointSlice of default/kubernetes']);
    expect(of('fd00::9')).toEqual(['apiServer as the operator reaches it']);
    expect(of('10.20.0.1')).toEqual([]);
  });

  it('reports a change once, and none if a Node is updated without another network', async () => {
    const open: ServerResponse[] = [];
    const { watch, of, changes } = await watchOf((kind, response) => {
      if (kind === 'nodes') open.push(response);
      serve(response, kind);
    });
    await watch.tried;
    await until('the first lists are reported', () => changes() === 1);
    const [nodes] = open;
    if (nodes === undefined) throw new Error('no watch of nodes');
    send(nodes, 'MODIFIED', node('8'));
    send(nodes, 'MODIFIED', node('9', '10.0.0.6'));
    await until('the other address is reported', () => changes() === 2);
    expect([of('10.0.0.5'), of('10.0.0.6')]).toEqual([[], ['node Node n1']]);
    send(nodes, 'MODIFIED', node('10', '10.0.0.6'));
    send(nodes, 'DELETED', node('11', '10.0.0.6'));
    await until('its end is reported', () => changes() === 3);
    expect(of('10.244.1.7')).toEqual([]);
  });

  it('logs a refused list once, does not wait for it, and has the others', async () => {
    const { watch, of, warnings, asked } = await watchOf((kind, response) =>
      kind === 'nodes' ? forbid(response) : serve(response, kind),
    );
    await watch.tried;
    await until('the list is tried again', () => (asked.get('nodes') ?? 0) >= 3);
    expect(warnings.map(({ resource, reason }) => [resource, reason])).toEqual([['nodes', 'Forbidden']]);
    expect([of('10.96.0.1').length, of('10.244.1.7').length]).toEqual([1, 0]);
  });

  it('has the networks of a list that can be read later', async () => {
    const { watch, of } = await watchOf((kind, response, asked) =>
      kind === 'nodes' && asked < 3 ? forbid(response) : serve(response, kind),
    );
    await watch.tried;
    await until('the networks of pods are known', () => of('10.244.1.7').length === 1);
  });

  it('waits 30 s for a list without an answer', async () => {
    const clock = new ManualClock();
    const { watch, warnings } = await watchOf(
      (kind, response) => (kind === 'nodes' ? undefined : serve(response, kind)),
      clock,
    );
    let tried = false;
    void watch.tried.then(() => (tried = true));
    await until('the others are read', () => watch.missing.join() === 'nodes');
    await clock.advance(networksWaitMs - 1);
    expect(tried).toBe(false);
    await clock.advance(1);
    await watch.tried;
    expect(warnings.map(({ resources }) => resources)).toEqual([['nodes']]);
  });

  it('reads nothing in the namespace default if that is not served', async () => {
    const { watch, asked } = await watchOf((kind, response) => serve(response, kind), systemClock, ['shop']);
    await watch.tried;
    expect([...asked.keys()].toSorted()).toEqual(['nodes', 'servicecidrs']);
  });
});
