import { expect } from '@jest/globals';

import { records } from '../../support/cluster/dns.ts';
import { eventually } from '../../support/eventually.ts';
import { backend, minimalBackend, serversAt } from '../manifest.ts';
import type { Case } from '../scene.ts';

/** How a Service is found. */
export const names: readonly Case[] = [
  {
    title: 'db, db.shop, db.shop.svc and db.shop.svc.cluster.local are one Service to a pod of the namespace',
    namespace: 'shop',
    servers: serversAt(5432, '10.20.101.1'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.101.1}]
      ports: [{port: 5432}]`),
    sees: async ({ admin, resolves, reaches }) => {
      const spellings = ['db', 'db.shop', 'db.shop.svc', 'db.shop.svc.cluster.local', 'DB.Shop.svc'];
      await reaches('db', 5432, ['10.20.101.1']);
      const { clusterIP = '' } = (await admin.get('Service', 'db', 'shop')).spec;
      for (const name of spellings) await resolves(name, [clusterIP]);
      await resolves('db.warehouse', []);
    },
  },
  {
    title: 'an alias to a name outside is its CNAME with the address behind it',
    namespace: 'alias-outside',
    servers: serversAt(5432, '10.20.102.1'),
    manifest: backend(
      `
      mode: ExternalName
      targets: [{host: Orders.cluster-abc.eu-west-1.rds.example.com.}]`,
      'orders-db',
    ),
    sees: async ({ plane, connect, resolves }) => {
      await resolves('orders-db', ['10.20.102.1']);
      expect(await records(plane, 'orders-db.alias-outside.svc.cluster.local', 'CNAME')).toEqual([
        'orders.cluster-abc.eu-west-1.rds.example.com',
      ]);
      expect(await connect('orders-db', 5432)).toBe('10.20.102.1');
    },
  },
  {
    title: "an alias to another namespace's Service leads to its servers",
    namespace: 'alias-inside',
    servers: serversAt(5432, '10.20.103.1'),
    manifest: backend(
      `
      mode: ExternalName
      targets: [{host: stock-db.warehouse.svc.cluster.local}]`,
      'stock',
    ),
    elsewhere: {
      warehouse: minimalBackend(
        `
        targets: [{host: 10.20.103.1}]
        ports: [{port: 5432}]`,
        'stock-db',
      ),
    },
    sees: async ({ admin, plane, reaches, resolves }) => {
      await reaches('stock', 5432, ['10.20.103.1']);
      const { clusterIP = '' } = (await admin.get('Service', 'stock-db', 'warehouse')).spec;
      await resolves('stock', [clusterIP]);
      expect(await records(plane, 'stock.alias-inside.svc.cluster.local', 'CNAME')).toEqual([
        'stock-db.warehouse.svc.cluster.local',
      ]);
    },
  },
  {
    title: 'a headless Service resolves to the ready servers, each of them under its own name too',
    namespace: 'headless',
    servers: serversAt(5432, '10.20.104.1', '10.20.104.2', '10.20.104.3'),
    manifest: minimalBackend(`
      targets:
        - {host: 10.20.104.1, name: a}
        - {host: 10.20.104.2, name: b}
        - {host: 10.20.104.3, name: c}
      ports: [{name: postgres, port: 5432}]
      services: [{name: db, headless: true}]`),
    sees: async ({ connect, resolves, server }) => {
      const all = ['10.20.104.1', '10.20.104.2', '10.20.104.3'];
      await resolves('db', all);
      await resolves('a.db.headless.svc.cluster.local', ['10.20.104.1']);
      expect(await connect('b.db', 5432)).toBe('10.20.104.2');
      await server('10.20.104.2').refuse();
      await resolves('db', ['10.20.104.1', '10.20.104.3']);
      await resolves('b.db', []);
      await server('10.20.104.2').listen();
      await resolves('db', all);
      await resolves('b.db', ['10.20.104.2']);
    },
  },
  {
    title: 'with publishNotReadyAddresses a dead server keeps its name, and the status tells the truth',
    namespace: 'not-ready',
    servers: serversAt(5432, '10.20.105.1', '10.20.105.2'),
    manifest: minimalBackend(
      `
      targets:
        - {host: 10.20.105.1, name: a}
        - {host: 10.20.105.2, name: b}
      ports: [{port: 5432}]
      services:
        - {name: peers, headless: true, publishNotReadyAddresses: true}
        - {name: peers-ready, headless: true}`,
      'peers',
    ),
    sees: async ({ resolves, resolve, server, summary }) => {
      await resolves('peers-ready', ['10.20.105.1', '10.20.105.2']);
      await server('10.20.105.2').refuse();
      await summary('peers', '1/2');
      await resolves('peers-ready', ['10.20.105.1']);
      expect(await resolve('peers')).toEqual(['10.20.105.1', '10.20.105.2']);
      expect(await resolve('b.peers')).toEqual(['10.20.105.2']);
      expect(await resolve('b.peers-ready')).toEqual([]);
    },
  },
  {
    title: 'an IPv6 server behind a headless Service has an AAAA record and no A record',
    namespace: 'ipv6',
    servers: serversAt(5432, 'fd20::106:1'),
    manifest: minimalBackend(`
      targets: [{host: 'FD20:0::106:1'}]
      ports: [{port: 5432}]
      services: [{name: db, headless: true}]`),
    sees: async ({ connect, plane }) => {
      const name = 'db.ipv6.svc.cluster.local';
      const ask = () => records(plane, name, 'AAAA');
      const [address = ''] = await eventually(ask, (list) => list.length > 0, { fact: 'it has an address' });
      expect(address).toBe('fd20::106:1');
      expect(await connect(address, 5432)).toBe('fd20::106:1');
      expect(await records(plane, name, 'A')).toEqual([]);
    },
  },
];
