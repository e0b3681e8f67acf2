import { expect } from '@jest/globals';

import type { OtherObject } from '../../controlplane/kinds.ts';
import { addAddress } from '../../controlplane/network.ts';
import { eventually } from '../../support/eventually.ts';
import { minimalBackend, serversAt } from '../manifest.ts';
import type { Case, Scene } from '../scene.ts';

/** Ports, types and traffic policies of Services. */
export const types: readonly Case[] = [
  {
    title: 'port 5432 of the name is port 6432 of three servers, and connections reach all of them',
    namespace: 'spread',
    servers: serversAt(6432, '10.20.111.1', '10.20.111.2', '10.20.111.3'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.111.1}, {host: 10.20.111.2}, {host: 10.20.111.3}]
      ports: [{port: 5432, targetPort: 6432}]`),
    sees: ({ reaches }) => reaches('db', 5432, ['10.20.111.1', '10.20.111.2', '10.20.111.3']),
  },
  {
    title: 'servers that listen on different ports share one port of the name',
    namespace: 'own-ports',
    servers: [
      { address: '10.20.112.1', port: 5433, greeting: 'first' },
      { address: '10.20.112.1', port: 5434, greeting: 'second' },
      { address: '10.20.112.2', port: 5432, greeting: 'third' },
    ],
    manifest: minimalBackend(`
      targets:
        - {host: 10.20.112.1, port: 5433}
        - {host: 10.20.112.1, port: 5434}
        - {host: 10.20.112.2}
      ports: [{port: 5432}]`),
    sees: ({ reaches }) => reaches('db', 5432, ['first', 'second', 'third']),
  },
  {
    title: 'with sessionAffinity ClientIP each client stays with one server',
    namespace: 'affinity',
    servers: serversAt(5432, '10.20.113.1', '10.20.113.2', '10.20.113.3'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.113.1}, {host: 10.20.113.2}, {host: 10.20.113.3}]
      ports: [{port: 5432}]
      services:
        - name: db
          sessionAffinity: ClientIP
          sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}
        - name: db-any`),
    sees: async ({ connect, reaches }) => {
      await reaches('db-any', 5432, ['10.20.113.1', '10.20.113.2', '10.20.113.3']);
      const clients = Array.from({ length: 12 }, (_, i) => `10.20.113.${101 + i}`);
      await addAddress(...clients);
      await reaches('db', 5432, [await connect('db', 5432)]);
      const serverOf = async (client: string): Promise<string | undefined> => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => connect('db', 5432, client)));
        return new Set(answers).size === 1 ? answers[0] : undefined;
      };
      const servers = await Promise.all(clients.map(serverOf));
      expect(servers).not.toContain(undefined);
      // Not because there was one server only: twelve clients get the same one once in 180,000 times.
      expect(new Set(servers).size).toBeGreaterThan(1);
      expect(await Promise.all(clients.map(serverOf))).toEqual(servers);
    },
  },
  {
    title: 'a fixed node port of the node reaches the servers',
    namespace: 'node-port',
    servers: serversAt(6432, '10.20.114.1', '10.20.114.2'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.114.1}, {host: 10.20.114.2}]
      ports: [{port: 5432, targetPort: 6432, nodePort: 31432}]
      services: [{name: db, type: NodePort}]`),
    sees: async ({ plane, reaches }) => {
      await reaches(plane.address, 31432, ['10.20.114.1', '10.20.114.2']);
      await reaches('db', 5432, ['10.20.114.1', '10.20.114.2']);
    },
  },
  {
    title: 'an allocated node port reaches the servers and stays when a server joins',
    namespace: 'node-port-any',
    servers: serversAt(5432, '10.20.115.1', '10.20.115.2'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.115.1}]
      ports: [{port: 5432}]
      services: [{name: db, type: NodePort}]`),
    sees: async (scene) => {
      const allocated = await nodePort(scene, 'db');
      await scene.reaches(scene.plane.address, allocated, ['10.20.115.1']);
      await scene.admin.patch('ExternalBackend', 'db', 'node-port-any', {
        spec: { targets: [{ host: '10.20.115.1' }, { host: '10.20.115.2' }] },
      });
      await scene.reaches(scene.plane.address, allocated, ['10.20.115.1', '10.20.115.2']);
      expect(await nodePort(scene, 'db')).toBe(allocated);
    },
  },
  {
    title: 'a LoadBalancer Service works inside while it has no address, and outside from when it gets one',
    namespace: 'load-balancer',
    servers: serversAt(5432, '10.20.116.1'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.116.1}]
      ports: [{port: 5432}]
      services: [{name: db, type: LoadBalancer}]`),
    sees: async (scene) => {
      await scene.reaches('db', 5432, ['10.20.116.1']);
      await scene.reaches(scene.plane.address, await nodePort(scene, 'db'), ['10.20.116.1']);
      const service: OtherObject = await scene.admin.get('Service', 'db', 'load-balancer');
      expect(service.status).toEqual({ loadBalancer: {} });
      // What a cloud's controller does.
      await scene.admin.patchStatus('Service', 'db', 'load-balancer', {
        status: { loadBalancer: { ingress: [{ ip: '10.96.250.1' }] } },
      });
      await scene.reaches('10.96.250.1', 5432, ['10.20.116.1']);
    },
  },
  {
    title: 'an external IP of the Service reaches its servers',
    namespace: 'external-ip',
    // The network brings the second address to the node; no Service leads to its server.
    servers: [
      { address: '10.20.117.1', port: 6432 },
      { address: '10.20.117.7', port: 7432 },
    ],
    manifest: minimalBackend(`
      targets: [{host: 10.20.117.1}]
      ports: [{port: 5432, targetPort: 6432}]
      services: [{name: db, externalIPs: [10.20.117.7]}]`),
    sees: ({ reaches }) => reaches('10.20.117.7', 5432, ['10.20.117.1']),
  },
  {
    title: 'an Ingress takes the Service as its backend',
    namespace: 'ingress',
    servers: serversAt(8080, '10.20.118.1'),
    manifest: `${minimalBackend(
      `
      targets: [{host: 10.20.118.1}]
      ports: [{name: http, port: 80, targetPort: 8080}]`,
      'api',
    )}---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: api}
      spec:
        rules:
          - host: api.example.com
            http:
              paths:
                - {path: /, pathType: Prefix, backend: {service: {name: api, port: {name: http}}}}`,
    sees: async ({ admin, reaches }) => {
      expect(await admin.find('Ingress', 'api', 'ingress')).toBeDefined();
      await reaches('api', 80, ['10.20.118.1']);
      // What an ingress controller goes by: the port's name in the Service and in its slices.
      const { ports } = (await admin.get('Service', 'api', 'ingress')).spec;
      expect(ports).toMatchObject([{ name: 'http', port: 80, targetPort: 8080 }]);
      const slices = await admin.list('EndpointSlice', 'ingress', {
        labelSelector: 'kubernetes.io/service-name=api',
      });
      expect(slices.map((slice) => slice.ports)).toMatchObject([[{ name: 'http', port: 8080 }]]);
    },
  },
];

async function nodePort({ admin, namespace }: Scene, service: string): Promise<number> {
  const ask = () => admin.find('Service', service, namespace);
  const given = await eventually(ask, (found) => found !== undefined, { fact: `${service} has a node port` });
  return given?.spec.ports?.[0]?.nodePort ?? 0;
}
