import process from 'node:process';

import { countOf, requestCounts } from '../test/controlplane/requests.ts';
import type { PlaneDetails } from '../test/controlplane/details.ts';
import type { Bench } from './report.ts';
import {
  backend,
  cpuSeconds,
  createNamespace,
  inParallel,
  memoryMb,
  openWorld,
  pause,
  sample,
  until,
} from './world.ts';

const count = 1_000;
const seconds = Number(process.env['IDLE_SECONDS'] ?? 300);
const watched = ['externalbackends', 'services', 'endpointslices', 'endpoints', 'events'];
const verbs = ['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'];

/** Measures that nothing is written while nothing changes. */
export const idle: Bench = {
  name: 'idle',
  title: `1,000 healthy backends for ${seconds} s`,
  run: async () => {
    const world = await openWorld();
    try {
      await createNamespace(world.admin, 'idle');
      const operator = await world.startOperator('--leader-elect=true');
      await inParallel(count, 16, (n) => world.admin.create(backend(n, 'idle')));
      await until(
        async () => sample(await operator.metrics(), 'external_backend_ready_addresses') === 3 * count,
        120_000,
        500,
      );
      await pause(15_000);
      const before = await writes(world.plane);
      const leases = await leaseWrites(world.plane);
      const cpu = cpuSeconds(operator.pid);
      await pause(seconds * 1_000);
      const figures = [
        {
          what: 'writes but the Lease',
          value: (await writes(world.plane)) - before,
          unit: '',
          goal: { most: 0 },
        },
        {
          what: 'writes of the Lease, a minute',
          value: (((await leaseWrites(world.plane)) - leases) * 60) / seconds,
          unit: '',
        },
        {
          what: 'CPU of the operator',
          value: ((cpuSeconds(operator.pid) - cpu) / seconds) * 100,
          unit: '% of a core',
        },
        { what: 'memory of the operator', value: memoryMb(operator.pid).now, unit: 'MB' },
      ];
      return figures;
    } finally {
      await world.stop();
    }
  },
};

async function writes(plane: PlaneDetails): Promise<number> {
  const counts = await requestCounts(plane);
  return watched.reduce((sum, resource) => sum + countOf(counts, resource, verbs), 0);
}

const leaseWrites = async (plane: PlaneDetails): Promise<number> =>
  countOf(await requestCounts(plane), 'leases', verbs);
