/** Runs `make demo` on a real control plane. Each step prints what it shows, and checks it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { api } from '../controlplane/api.ts';
import { kubectl, kubectlCache } from '../controlplane/kubectl.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import { openNetwork } from '../controlplane/own-network.ts';
import { startPlane } from '../controlplane/plane.ts';
import type { Plane } from '../controlplane/plane.ts';
import { eventually } from '../support/eventually.ts';
import { startCoreDns } from '../support/servers/name-servers.ts';
import { query, startPostgres } from '../support/servers/postgres.ts';
import { cloud } from './cloud.ts';
import { cutOff } from './cut-off.ts';
import { drain } from './drain.ts';
import { roles } from './roles.ts';
import { expectThat, openStage } from './stage.ts';

const sample = 'config/samples/postgres-two-hosts.yaml';
const name = 'orders-db.shop.svc';
const who = 'select inet_server_addr()';
const stage = openStage();

/** Returns an argument as a shell needs it. */
const quoted = (argument: string): string => (argument.includes(' ') ? `'${argument}'` : argument);

async function demo(plane: Plane): Promise<void> {
  const details = plane.details;
  const admin = api(details);
  const show = async (...args: string[]): Promise<string> => {
    const output = await kubectl(details, args);
    stage.show(`kubectl ${args.map(quoted).join(' ')}`, output === '' ? '(nothing)' : output);
    return output;
  };
  /** Returns the servers that `count` new connections by name reach. */
  const reached = async (count: number): Promise<readonly string[]> => {
    const answers = await Promise.all(Array.from({ length: count }, () => query(name, 5432, who)));
    return [...new Set(answers)].toSorted();
  };
  const backend = () => admin.get('ExternalBackend', 'orders-db', 'shop');
  const summary = async () => (await backend()).status?.summary ?? '';

  const [first, second, dns] = await stage.step(
    'Two PostgreSQL servers outside the cluster, and a name server',
    async () => {
      const parts = await Promise.all([
        startPostgres('10.20.0.11', 6432),
        startPostgres('10.20.0.12', 6432),
        startCoreDns({ address: '10.20.0.53', port: 53, names: {} }),
      ]);
      stage.checked('they respond at 10.20.0.11:6432 and 10.20.0.12:6432, and the name server at 10.20.0.53');
      return parts;
    },
  );

  const network = await openNetwork(1);
  const operator = await stage.step('The operator starts with the rights of config/rbac only', async () => {
    await applyRbac(details);
    const running = await startOperator(details, {
      network,
      args: ['--leader-elect=true', '--auto-select-handler=true', `--dns-servers=${dns.endpoint}`],
    });
    stage.checked('the operator is in sync with the API server');
    return running;
  });

  await stage.step('One resource declares the database', async () => {
    await admin.create({ kind: 'Namespace', metadata: { name: 'shop' } });
    await show('apply', '-n', 'shop', '-f', sample);
    await eventually(summary, (text) => text === '2/2', {
      fact: 'both servers are ready',
      deadlineMs: 10_000,
    });
    await show('get', 'xb', '-n', 'shop', '-o', 'wide');
    await show('get', 'service,endpointslices', '-n', 'shop');
    stage.checked('both servers are ready');
  });

  await stage.step(
    'An application connects by name; port 5432 of the Service maps to port 6432 of the servers',
    async () => {
      await eventually(
        () => reached(1),
        (list) => list.length === 1,
        { fact: 'kube-proxy routes', deadlineMs: 10_000 },
      );
      const servers = await reached(20);
      stage.show(`psql -h ${name} -c '${who}'    # 20 times`, servers.join('\n'));
      expectThat('both servers take connections', servers.length === 2, servers);
      stage.checked(`${name} resolves to the ClusterIP, and 20 connections reached both servers`);
    },
  );

  await stage.step('One server is killed', async () => {
    await first.kill();
    await eventually(summary, (text) => text === '1/2', {
      fact: 'the failed server is removed',
      deadlineMs: 40_000,
    });
    await show('get', 'xb', '-n', 'shop', '-o', 'wide');
    const events = await show('get', 'events', '-n', 'shop', '--field-selector', 'type=Warning');
    expectThat('an Event reports it', events.includes('10.20.0.11:6432'), events);
    const degraded = (await backend()).status?.conditions?.find(({ type }) => type === 'Degraded');
    expectThat('Degraded is True', degraded?.status === 'True', degraded);
    stage.checked(`an Event reports it, and the condition Degraded contains "${degraded?.message ?? ''}"`);
    const servers = await eventually(
      () => reached(10),
      (l) => l.length === 1,
      { fact: 'kube-proxy follows', deadlineMs: 5_000 },
    );
    expectThat('the other server has all connections', servers.join() === '10.20.0.12', servers);
    expectThat(
      'the other server still has all connections',
      (await reached(20)).join() === '10.20.0.12',
      servers,
    );
    stage.checked('all of 20 new connections reached 10.20.0.12');
  });

  await stage.step('The server is started again', async () => {
    await first.start();
    await eventually(summary, (text) => text === '2/2', { fact: 'it is ready again', deadlineMs: 20_000 });
    await show('get', 'xb', '-n', 'shop');
    await eventually(
      () => reached(20),
      (list) => list.length === 2,
      { fact: 'both take connections', deadlineMs: 10_000 },
    );
    stage.checked('both servers take connections again');
  });

  const ask = (args: readonly string[]) => kubectl(details, args);
  const others = await cloud({ stage, show, kubectl: ask, dns });
  const clusters = await roles({ stage, show, kubectl: ask });
  await cutOff({ stage, show, kubectl: ask, network, reached });
  await drain({ stage, show, reached });

  if (process.env['KEEP'] !== undefined && process.env['KEEP'] !== '') await shell(plane);

  await stage.step('The resources are deleted', async () => {
    await show('delete', 'xb', 'orders-db', 'invoices-db', 'crm-db', '-n', 'shop');
    const left = () =>
      kubectl(details, ['get', 'service,endpointslices,endpoints', '-n', 'shop', '-o', 'name']);
    await eventually(left, (list) => list === '', {
      fact: 'everything that the operator created is deleted',
      deadlineMs: 60_000,
    });
    await show('get', 'xb,service,endpointslices,endpoints', '-n', 'shop');
    stage.checked('Services, EndpointSlices and Endpoints are deleted with them');
    await operator.stop();
    await network.close();
    await Promise.all([first, second, dns, ...others, ...clusters].map((part) => part.remove()));
  });
}

/** Leaves everything running with a shell in the same network. */
async function shell(plane: Plane): Promise<void> {
  const bin = join(plane.details.dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\nexec ${plane.details.binary} kubectl "$@"\n`, {
    mode: 0o755,
  });
  process.stdout.write(
    '\nEverything keeps running. kubectl and psql work in this shell; `exit` ends the demo.\n',
  );
  const env = {
    ...process.env,
    KUBECONFIG: plane.details.kubeconfigs.admin,
    KUBECACHEDIR: kubectlCache(plane.details),
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  };
  await once(spawn('bash', ['-i'], { stdio: 'inherit', env }), 'exit');
}

const started = performance.now();
const plane = await stage.step(
  'A real control plane: etcd, API server, controller manager, kube-proxy, CoreDNS',
  async () => {
    const running = await startPlane({ dataPath: true });
    stage.checked(`the API server answers at ${running.details.server}`);
    return running;
  },
);
try {
  await demo(plane);
  process.stdout.write(
    `\nThe demo succeeded: every step was checked, in ${Math.round((performance.now() - started) / 1000)} s.\n`,
  );
} catch (error) {
  process.stdout.write(`\nThe demo FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await plane.stop();
}
