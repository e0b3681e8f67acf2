import { expect } from '@jest/globals';

import { dropPackets } from '../../controlplane/network.ts';
import { eventually } from '../../support/eventually.ts';
import { startNeighbour } from '../../support/cluster/neighbour.ts';
import { query, startPostgres } from '../../support/servers/postgres.ts';
import { minimalBackend, serversAt } from '../manifest.ts';
import type { Case, Scene } from '../scene.ts';

/** What becomes of connections. */
export const connections: readonly Case[] = [
  {
    title: 'an established connection outlives the pruning of its server; new ones go elsewhere',
    namespace: 'established',
    servers: [
      { address: '10.20.131.1', port: 5432, behaviour: 'echo' },
      { address: '10.20.131.2', port: 5432, behaviour: 'echo' },
    ],
    manifest: minimalBackend(`
      targets: [{host: 10.20.131.1}, {host: 10.20.131.2}]
      ports: [{port: 5432}]`),
    sees: async ({ reaches, server, session }) => {
      const all = ['10.20.131.1', '10.20.131.2'];
      await reaches('db', 5432, all);
      const open = await session('db', 5432);
      // It takes no new connections, as a server that shuts down slowly.
      await server(open.server).refuse();
      await reaches(
        'db',
        5432,
        all.filter((address) => address !== open.server),
      );
      expect(await open.say('still there')).toBe('still there');
      open.close();
    },
  },
  {
    title: 'while one of three servers dies, connections fail within the detection window and never after',
    namespace: 'killed',
    servers: serversAt(5432, '10.20.132.1', '10.20.132.2', '10.20.132.3'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.132.1}, {host: 10.20.132.2}, {host: 10.20.132.3}]
      ports: [{port: 5432}]`),
    sees: async (scene) => {
      await scene.reaches('db', 5432, ['10.20.132.1', '10.20.132.2', '10.20.132.3']);
      const traffic = startTraffic(scene);
      await scene.server('10.20.132.2').refuse();
      const killedMs = performance.now();
      await scene.reaches('db', 5432, ['10.20.132.1', '10.20.132.3']);
      const attempts = await traffic.stop();
      const failed = attempts.filter(({ failed }) => failed).map(({ atMs }) => atMs - killedMs);
      expect(attempts.length).toBeGreaterThan(20);
      // A period until the probe sees it, and what kube-proxy waits between two updates (1 s).
      expect(failed.filter((afterMs) => afterMs < -50 || afterMs > 3000)).toEqual([]);
    },
  },
  {
    title: 'while no server is ready a pod is refused, and is served again when one is back',
    namespace: 'none',
    servers: serversAt(6432, '10.20.134.1'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.134.1}]
      ports: [{port: 5432, targetPort: 6432}]`),
    sees: async ({ plane, resolve, resolves, summary }) => {
      const pod = await startNeighbour(plane.dir, '10.244.0.34');
      const ask = async () => pod.connect((await resolve('db'))[0] ?? '', 5432);
      await eventually(ask, (answer) => answer === '10.20.134.1', { fact: 'the pod is served' });
      const addresses = await resolve('db');
      const wayBack = await dropPackets('10.20.134.1');
      await summary('db', '0/1');
      // Silence is the dead server, a refusal is kube-proxy's, which has no server.
      await eventually(ask, (answer) => answer === 'refused', { fact: 'the pod is refused' });
      await resolves('db', addresses);
      await wayBack();
      await eventually(ask, (answer) => answer === '10.20.134.1', { fact: 'the pod is served again' });
      await pod.stop();
    },
  },
  {
    title: 'a real PostgreSQL answers psql by name, and again after a restart',
    namespace: 'psql',
    servers: [],
    manifest: minimalBackend(
      `
      targets: [{host: 10.20.133.1}]
      ports: [{name: postgres, port: 5432, targetPort: 6432, appProtocol: postgresql}]`,
      'orders-db',
    ),
    sees: async ({ summary }) => {
      const server = await startPostgres('10.20.133.1', 6432);
      const ask = () => query('orders-db.psql.svc', 5432, 'select inet_server_port()');
      await eventually(ask, (answer) => answer === '6432', { fact: 'psql gets an answer' });
      await server.kill();
      await summary('orders-db', '0/1');
      await server.start();
      await eventually(ask, (answer) => answer === '6432', { fact: 'psql gets an answer again' });
      await server.remove();
    },
  },
];

interface Attempt {
  readonly atMs: number;
  readonly failed: boolean;
}

/** Connects to `db`, one connection after the other, until it is stopped. */
export function startTraffic({ connect }: Scene): { readonly stop: () => Promise<readonly Attempt[]> } {
  const state = { stopped: false };
  const run = async (): Promise<readonly Attempt[]> => {
    const attempts: Attempt[] = [];
    while (!state.stopped) {
      const atMs = performance.now();
      const failed = await connect('db', 5432).then(
        () => false,
        () => true,
      );
      attempts.push({ atMs, failed });
    }
    return attempts;
  };
  const running = run();
  return {
    stop: () => {
      state.stopped = true;
      return running;
    },
  };
}
