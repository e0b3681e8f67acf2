import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { startPart, waitFor } from '../../controlplane/process.ts';
import { mustRun } from '../../controlplane/run.ts';
import { freePort } from './ports.ts';
import { asPostgres, postgresUser, query } from './postgres.ts';
import type { Place } from './postgres-cluster.ts';

/** A real pgpool-II on 127.0.0.1 before one server, whose clients need no password. */
export interface Pgpool {
  readonly address: string;
  readonly port: number;
  remove(): Promise<void>;
}

/** Starts it and waits until a query of the user `app` is answered through it. */
export async function startPgpool(server: Place): Promise<Pgpool> {
  const directory = mkdtempSync(join(tmpdir(), 'pgpool-'));
  const [address, port, pcpPort] = ['127.0.0.1', await freePort(), await freePort()];
  const settings = {
    listen_addresses: `'${address}'`,
    port,
    pcp_port: pcpPort,
    unix_socket_directories: `'${directory}'`,
    socket_dir: `'${directory}'`,
    pcp_socket_dir: `'${directory}'`,
    pid_file_name: `'${join(directory, 'pid')}'`,
    logdir: `'${directory}'`,
    backend_clustering_mode: "'raw'",
    backend_hostname0: `'${server.address}'`,
    backend_port0: server.port,
    backend_weight0: 1,
    num_init_children: 4,
    max_pool: 1,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  for (const [name, text] of [
    ['pgpool.conf', lines.join('\n')],
    ['pcp.conf', ''],
  ] as const)
    writeFileSync(join(directory, name), `${text}\n`);
  if (process.getuid?.() === 0) {
    const { uid, gid } = await postgresUser();
    for (const path of ['', 'pgpool.conf', 'pcp.conf']) chownSync(join(directory, path), uid, gid);
  }
  const files = ['-f', join(directory, 'pgpool.conf'), '-F', join(directory, 'pcp.conf')];
  const part = startPart(`pgpool ${port}`, asPostgres(['pgpool', '-n', ...files]), join(directory, 'log'));
  await waitFor(part, async () => (await query(address, port, 'select 1')) === '1', 20_000);
  return {
    address,
    port,
    remove: async () => {
      // Fast: killed, it would leave its children behind.
      part.signal('SIGINT');
      await mustRun(['tail', `--pid=${part.pid}`, '-s', '0.1', '-f', '/dev/null']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
