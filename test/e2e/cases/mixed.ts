import { expect } from '@jest/globals';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { addAddress } from '../../controlplane/network.ts';
import { eventually } from '../../support/eventually.ts';
import { startNeighbour } from '../../support/cluster/neighbour.ts';
import { backend, minimalBackend, serversAt } from '../manifest.ts';
import type { Case, Scene } from '../scene.ts';

/** Beside others: pods, clients outside the cluster, protocols that are not TCP; and the end. */
export const mixed: readonly Case[] = [
  {
    title: 'pods of two Deployments and two servers outside stand behind one Service',
    namespace: 'moving',
    servers: [
      { address: '10.20.141.1', port: 6432 },
      { address: '10.20.141.2', port: 6432 },
      // Those of the pods.
      { address: '10.244.0.41', port: 6432 },
      { address: '10.244.0.42', port: 6432 },
    ],
    manifest: `${minimalBackend(`
      targets: [{host: 10.20.141.1}, {host: 10.20.141.2}]
      ports: [{name: postgres, port: 5432, targetPort: 6432}]
      services: [{name: db, selector: {app: db}}]`)}---
      apiVersion: v1
      kind: Pod
      metadata: {name: blue-5d4f, labels: {app: db, deployment: blue}}
      spec: {nodeName: n1, containers: [{name: postgres, image: postgres}]}
---
      apiVersion: v1
      kind: Pod
      metadata: {name: green-7c9b, labels: {app: db, deployment: green}}
      spec: {nodeName: n1, containers: [{name: postgres, image: postgres}]}`,
    sees: async (scene) => {
      await podIs(scene, 'blue-5d4f', '10.244.0.41', true);
      await podIs(scene, 'green-7c9b', '10.244.0.42', true);
      await scene.reaches('db', 5432, ['10.20.141.1', '10.20.141.2', '10.244.0.41', '10.244.0.42']);
      await scene.server('10.20.141.1').refuse();
      await scene.reaches('db', 5432, ['10.20.141.2', '10.244.0.41', '10.244.0.42']);
      await podIs(scene, 'blue-5d4f', '10.244.0.41', false);
      await scene.reaches('db', 5432, ['10.20.141.2', '10.244.0.42']);
    },
  },
  {
    title: 'externalTrafficPolicy Local drops what comes from outside, for external servers are on no node',
    namespace: 'policy-local',
    servers: serversAt(5432, '10.20.142.1'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.142.1}]
      ports: [{port: 5432}]
      services:
        - {name: everywhere, type: NodePort, externalTrafficPolicy: Cluster}
        - {name: local, type: NodePort, externalTrafficPolicy: Local}`),
    sees: async ({ admin, plane, reaches }) => {
      const nodePort = async (service: string) =>
        (await admin.get('Service', service, 'policy-local')).spec.ports?.[0]?.nodePort ?? 0;
      await reaches('everywhere', 5432, ['10.20.142.1']);
      await reaches('local', 5432, ['10.20.142.1']);
      const client = await startNeighbour(plane.dir, '10.98.0.2');
      const ask = async () => client.connect(plane.address, await nodePort('everywhere'));
      await eventually(ask, (answer) => answer === '10.20.142.1', { fact: 'the client is served' });
      expect(await client.connect(plane.address, await nodePort('local'))).toBe('silence');
      await client.stop();
      // From the node and from a pod it works.
      await reaches(plane.address, await nodePort('local'), ['10.20.142.1']);
      const pod = await startNeighbour(plane.dir, '10.244.0.52');
      expect(await pod.connect(plane.address, await nodePort('local'))).toBe('10.20.142.1');
      await pod.stop();
    },
  },
  {
    title: 'datagrams reach a UDP port; an SCTP port is published',
    namespace: 'udp',
    servers: [],
    manifest: backend(
      `
      targets: [{host: 10.20.143.1}]
      ports:
        - {name: auth, port: 1812, targetPort: 2812, protocol: UDP}
        - {name: diameter, port: 3868, protocol: SCTP}
      probe: {icmp: {}, periodSeconds: 1, failureThreshold: 1}`,
      'radius',
    ),
    sees: async ({ admin, resolve, summary }) => {
      await addAddress('10.20.143.1');
      const server = createSocket('udp4', (question, from) => {
        server.send(`${question.toString()}!`, from.port, from.address);
      });
      server.bind(2812, '10.20.143.1');
      await once(server, 'listening');
      await summary('radius', '1/1');
      const [address = ''] = await resolve('radius');
      const ask = () => askByDatagram(address, 1812, 'who');
      await eventually(ask, (answer) => answer === 'who!', { fact: 'an answer comes' });
      server.close();
      const slices = await admin.list('EndpointSlice', 'udp');
      expect(slices.map(({ ports }) => ports)).toMatchObject([
        [
          { name: 'auth', port: 2812, protocol: 'UDP' },
          { name: 'diameter', port: 3868, protocol: 'SCTP' },
        ],
      ]);
    },
  },
  {
    title: 'a backend that turns from an alias into addresses keeps its name',
    namespace: 'turned',
    servers: serversAt(5432, '10.20.145.1'),
    manifest: backend(`
      mode: ExternalName
      targets: [{host: db.example.com}]
      ports: [{port: 5432}]`),
    sees: async ({ admin, reaches, resolves }) => {
      await resolves('db', ['10.20.145.9']);
      await admin.patch('ExternalBackend', 'db', 'turned', {
        spec: {
          mode: 'Endpoints',
          targets: [{ host: '10.20.145.1' }],
          probe: { periodSeconds: 1, failureThreshold: 1 },
        },
      });
      await reaches('db', 5432, ['10.20.145.1']);
    },
  },
  {
    title: 'the name of a deleted backend is gone',
    namespace: 'deleted',
    servers: serversAt(5432, '10.20.144.1'),
    manifest: minimalBackend(`
      targets: [{host: 10.20.144.1}]
      ports: [{port: 5432}]`),
    sees: async ({ admin, reaches, resolve }) => {
      await reaches('db', 5432, ['10.20.144.1']);
      await admin.delete('ExternalBackend', 'db', 'deleted');
      // The garbage collector looks for new kinds every 30 s, and this one is as young as the cluster.
      await eventually(
        () => resolve('db'),
        (found) => found.length === 0,
        { fact: 'the name is gone', deadlineMs: 40_000 },
      );
    },
  },
];

/** What a kubelet says of its pod. */
async function podIs({ admin, namespace }: Scene, name: string, ip: string, ready: boolean): Promise<void> {
  await admin.patchStatus('Pod', name, namespace, {
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  });
}

async function askByDatagram(address: string, port: number, question: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.send(question, port, address);
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(500) })) as [Buffer];
    return answer.toString();
  } finally {
    socket.close();
  }
}
