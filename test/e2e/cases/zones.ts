import { isAtLeast } from '../../controlplane/kubernetes-version.ts';
import { minimalBackend, serversAt } from '../manifest.ts';
import type { Case } from '../scene.ts';

/** Kubernetes 1.33 refuses the newer values. */
const newest = (value: string): string => (isAtLeast('1.34') ? value : 'PreferClose');

/** Services whose servers are in zones; the applications are on a node of zone-a (test/controlplane/parts.ts). */
export const zones: readonly Case[] = [
  {
    title:
      'connections stay in the zone of the client while a server there is ready, and go on in the other zone',
    namespace: 'zones',
    servers: serversAt(5432, '10.20.151.1', '10.20.151.2'),
    manifest: minimalBackend(`
      targets:
        - {host: 10.20.151.1, zone: zone-a}
        - {host: 10.20.151.2, zone: zone-b}
      ports: [{port: 5432}]
      services:
        - {name: close, trafficDistribution: PreferClose}
        - {name: same-zone, trafficDistribution: ${newest('PreferSameZone')}}
        - {name: same-node, trafficDistribution: ${newest('PreferSameNode')}}
        - {name: any}`),
    sees: async ({ reaches, server }) => {
      const near = ['close', 'same-zone', 'same-node'];
      const all = ['10.20.151.1', '10.20.151.2'];
      for (const service of near) await reaches(service, 5432, ['10.20.151.1']);
      await reaches('any', 5432, all);
      await server('10.20.151.1').refuse();
      for (const service of [...near, 'any']) await reaches(service, 5432, ['10.20.151.2']);
      await server('10.20.151.1').listen();
      for (const service of near) await reaches(service, 5432, ['10.20.151.1']);
      await reaches('any', 5432, all);
    },
  },
  {
    title:
      'zones and the distribution are followed when they are edited; a server without a zone ends the preference',
    namespace: 'zones-edited',
    servers: serversAt(5432, '10.20.152.1', '10.20.152.2'),
    manifest: minimalBackend(`
      targets:
        - {host: 10.20.152.1, zone: zone-a}
        - {host: 10.20.152.2, zone: zone-b}
      ports: [{port: 5432}]
      services: [{name: db, trafficDistribution: PreferClose}]`),
    sees: async ({ admin, reaches }) => {
      const [one, two] = ['10.20.152.1', '10.20.152.2'];
      const edit = (spec: object) => admin.patch('ExternalBackend', 'db', 'zones-edited', { spec });
      await reaches('db', 5432, [one]);
      await edit({
        targets: [
          { host: one, zone: 'zone-b' },
          { host: two, zone: 'zone-a' },
        ],
      });
      await reaches('db', 5432, [two]);
      await edit({ targets: [{ host: one }, { host: two, zone: 'zone-a' }] });
      await reaches('db', 5432, [one, two]);
      await edit({
        targets: [
          { host: one, drain: true },
          { host: two, zone: 'zone-a' },
        ],
      });
      await reaches('db', 5432, [two]);
      await edit({
        targets: [
          { host: one, zone: 'zone-a' },
          { host: two, zone: 'zone-b' },
        ],
      });
      await reaches('db', 5432, [one]);
      await edit({ services: [{ name: 'db' }] });
      await reaches('db', 5432, [one, two]);
    },
  },
];
