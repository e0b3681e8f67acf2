import { expect } from '@jest/globals';

import { outsideNames } from '../../controlplane/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { outside } from '../outside.ts';
import { minimalBackend, serversAt } from '../manifest.ts';
import type { Case } from '../scene.ts';

const name = 'orders.abc.eu-central-1.rds.example.com';
/** CoreDNS looks at its file; the name's time to live, which is also what the operator waits at least; the probe's period; what else may pass. */
const promisedMs = 200 + 1_000 + 1_000 + 1_000;
/** What a busy machine may add, which has two control planes and their tests on its cores: the figure itself is printed. */
const busyMs = 3_000;

/** Targets that are host names. */
export const following: readonly Case[] = [
  {
    title: 'a database that fails over to another address behind its name is reached at once',
    namespace: 'failover',
    servers: serversAt(5432, '10.20.106.1', '10.20.106.2'),
    manifest: minimalBackend(
      `
      targets: [{host: ${name}}]
      ports: [{port: 5432}]
      dns: {minRefreshSeconds: 1}`,
      'orders-db',
    ),
    sees: async ({ connect, plane, reaches, server }) => {
      const service = 'orders-db.failover.svc';
      await reaches(service, 5432, ['10.20.106.1']);
      const writtenMs = performance.now();
      const [tookMs] = await Promise.all([
        eventually(
          () => connect(service, 5432),
          (address) => address === '10.20.106.2',
          { fact: 'a connection reaches the new address' },
        ).then(() => Math.round(performance.now() - writtenMs)),
        outsideNames(plane, { ...outside, [name]: ['10.20.106.2'] }),
      ]);
      console.info(`the new address was reached ${tookMs} ms after it was written`);
      expect(tookMs).toBeLessThan(promisedMs + busyMs);
      await server('10.20.106.1').refuse();
      await reaches(service, 5432, ['10.20.106.2']);
    },
  },
];
