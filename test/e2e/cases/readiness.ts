import { expect } from '@jest/globals';

import { dropPackets } from '../../controlplane/network.ts';
import { eventually } from '../../support/eventually.ts';
import { backend, minimalBackend, serversAt } from '../manifest.ts';
import type { Case } from '../scene.ts';

/** Who gets connections: servers come and go. */
export const readiness: readonly Case[] = [
  {
    title: 'a server that refuses, and one that falls silent, get no connections until they are back',
    namespace: 'failing',
    servers: serversAt(6432, '10.20.121.1', '10.20.121.2', '10.20.121.3'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.121.1}, {host: 10.20.121.2}, {host: 10.20.121.3}]
      ports: [{port: 5432, targetPort: 6432}]`),
    sees: async ({ reaches, server }) => {
      const all = ['10.20.121.1', '10.20.121.2', '10.20.121.3'];
      await reaches('db', 5432, all);
      await server('10.20.121.1').refuse();
      const wayBack = await dropPackets('10.20.121.2');
      await reaches('db', 5432, ['10.20.121.3']);
      await server('10.20.121.1').listen();
      await wayBack();
      await reaches('db', 5432, all);
    },
  },
  {
    title: 'two ports are judged by their own probes: where one is dead the other goes on',
    namespace: 'two-ports',
    servers: [
      { address: '10.20.122.1', port: 5432, greeting: 'postgres 1' },
      { address: '10.20.122.2', port: 5432, greeting: 'postgres 2' },
      { address: '10.20.122.1', port: 6432, greeting: 'bouncer 1' },
      { address: '10.20.122.2', port: 6432, greeting: 'bouncer 2' },
    ],
    manifest: backend(`
      targets: [{host: 10.20.122.1}, {host: 10.20.122.2}]
      ports:
        - {name: postgres, port: 5432, probe: {periodSeconds: 1, failureThreshold: 1}}
        - {name: bouncer, port: 6432, probe: {periodSeconds: 1, failureThreshold: 1}}`),
    sees: async ({ reached, reaches, server }) => {
      await reaches('db', 5432, ['postgres 1', 'postgres 2']);
      await reaches('db', 6432, ['bouncer 1', 'bouncer 2']);
      await server('10.20.122.1', 6432).refuse();
      await reaches('db', 6432, ['bouncer 2']);
      expect(await reached('db', 5432)).toEqual(['postgres 1', 'postgres 2']);
      await server('10.20.122.1', 6432).listen();
      await reaches('db', 6432, ['bouncer 1', 'bouncer 2']);
    },
  },
  {
    title: 'an httpGet probe of a health port takes the server out that answers 503',
    namespace: 'http',
    servers: [
      { address: '10.20.123.1', port: 5432 },
      { address: '10.20.123.2', port: 5432 },
      { address: '10.20.123.1', port: 8008, behaviour: 'http' },
      { address: '10.20.123.2', port: 8008, behaviour: 'http', status: 503 },
    ],
    manifest: backend(`
      targets: [{host: 10.20.123.1}, {host: 10.20.123.2}]
      ports:
        - {name: postgres, port: 5432}
        - {name: health, port: 8008}
      probe:
        httpGet: {path: /primary}
        port: health
        periodSeconds: 1
        failureThreshold: 1`),
    sees: async ({ reaches, server }) => {
      await reaches('db', 5432, ['10.20.123.1']);
      // A failover.
      server('10.20.123.1', 8008).answer(503);
      server('10.20.123.2', 8008).answer(200);
      await reaches('db', 5432, ['10.20.123.2']);
    },
  },
  {
    title: 'with an icmp probe the host decides, whatever its port says',
    namespace: 'icmp',
    servers: serversAt(5432, '10.20.124.1', '10.20.124.2'),
    manifest: backend(`
      targets: [{host: 10.20.124.1}, {host: 10.20.124.2}]
      ports: [{port: 5432}]
      probe: {icmp: {}, periodSeconds: 1, failureThreshold: 1}`),
    sees: async ({ connect, reaches, server, summary }) => {
      await reaches('db', 5432, ['10.20.124.1', '10.20.124.2']);
      const wayBack = await dropPackets('10.20.124.1');
      await reaches('db', 5432, ['10.20.124.2']);
      await wayBack();
      await reaches('db', 5432, ['10.20.124.1', '10.20.124.2']);
      await server('10.20.124.1').refuse();
      const refused = () => connect('db', 5432).catch((error: unknown) => String(error));
      await eventually(refused, (answer) => answer.includes('ECONNREFUSED'), {
        fact: 'a connection is refused',
      });
      await summary('db', '2/2');
    },
  },
  {
    title: 'a drained server gets no new connection, and gets them again after it',
    namespace: 'drained',
    servers: serversAt(5432, '10.20.125.1', '10.20.125.2'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.125.1}, {host: 10.20.125.2}]
      ports: [{port: 5432}]`),
    sees: async ({ admin, reaches }) => {
      await reaches('db', 5432, ['10.20.125.1', '10.20.125.2']);
      const drain = (drained: boolean) =>
        admin.patch('ExternalBackend', 'db', 'drained', {
          spec: { targets: [{ host: '10.20.125.1', drain: drained }, { host: '10.20.125.2' }] },
        });
      await drain(true);
      await reaches('db', 5432, ['10.20.125.2']);
      await drain(false);
      await reaches('db', 5432, ['10.20.125.1', '10.20.125.2']);
    },
  },
];
