import { expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RunTally } from '../../src/engine/probing/run-tally.ts';
import { Metrics } from '../../src/serve/metrics.ts';
import { aCheck } from '../support/fakes/scripted-probe.ts';

const build = fileURLToPath(new URL('../controlplane/build.sh', import.meta.url));

it('passes the linter of Prometheus (promtool check metrics) with every metric in it', async () => {
  const metrics = new Metrics({ version: '1.2.3', nodeVersion: 'v24', perBackend: true, maxBackends: 10 });
  metrics.includeProcess();
  const runs = new RunTally();
  runs.ran('tcpSocket', { kind: 'up', reason: 'Connected' }, 2);
  metrics.includeRuns([runs]);
  const check = aCheck({ ip: '10.20.0.11', port: 443 });
  const figures = { ready: 1, total: 2, primary: ['10.20.0.11'], checks: [check] };
  metrics.backendFigures('shop/orders-db', figures);
  metrics.certificateSeen('shop/orders-db', check, Date.UTC(2027, 0, 1));
  metrics.apiRequested({ verb: 'update', resource: 'endpointslices', code: '200', durationMs: 3 });
  metrics.watchRestarted('services', 'Expired');
  const program = execFileSync(build, { encoding: 'utf8' }).trim();
  const { stdout, stderr, status } = spawnSync(program, ['promlint'], {
    input: await metrics.text(),
    encoding: 'utf8',
  });
  expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
});
