import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startMariaDb } from './mariadb.ts';
import type { MariaDb } from './mariadb.ts';
import { freePort } from './ports.ts';

/** Two nodes of a Galera cluster, on 127.0.0.1. Each is one of two votes: without the other it has no quorum. */
export interface Galera {
  readonly first: MariaDb;
  /** Joins by the address of `first` alone, so its start does not finish without that node. */
  readonly second: MariaDb;
  remove(): Promise<void>;
}

/**
 * About 6 s. Both nodes begin with the same data, made by `statements`: no program that could hand all of it over is
 * installed. What they miss of each other they get from the cache of writes (IST).
 */
export async function startGalera(statements: string): Promise<Galera> {
  const [port, other] = [await freePort(), await freePort()];
  const first = await startMariaDb('127.0.0.1', await freePort(), await nodeSettings(port, ''));
  await first.sql(statements);
  await first.stop();
  const second = await first.copy(await freePort(), await nodeSettings(other, `127.0.0.1:${port}`));
  for (const { directory } of [first, second])
    writeFileSync(join(directory, 'wsrep_sst_position'), transfer(second.directory), { mode: 0o755 });
  await first.start();
  await second.start();
  return { first, second, remove: () => removeBoth(first, second) };
}

/**
 * The script of a state transfer, run by both sides. It transfers the position alone: the joiner reports that it is ready,
 * the donor sends its position, and the joiner passes that to its server, which continues to start only then.
 */
function transfer(directory: string): string {
  return `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --role) role=$2 ;;
    --address) address=$2 ;;
    --gtid) position=$2 ;;
  esac
  shift
done
told=${directory}/position
if [ "$role" = donor ]; then
  echo "$position" >"$told.new" && mv "$told.new" "$told" && echo "done $position"
else
  rm -f "$told"
  echo "ready $address"
  until [ -e "$told" ]; do sleep 0.05; done
  cat "$told"
fi
`;
}

async function removeBoth(first: MariaDb, second: MariaDb): Promise<void> {
  await second.remove();
  await first.remove();
}

/** `port` is where the nodes talk to each other; no `peers`: the node creates a new cluster, or starts the old one again. */
async function nodeSettings(port: number, peers: string): Promise<Readonly<Record<string, string>>> {
  const options = {
    base_host: '127.0.0.1',
    base_port: String(port),
    'gmcast.listen_addr': `tcp://127.0.0.1:${port}`,
    'ist.recv_addr': `127.0.0.1:${await freePort()}`,
    'gcache.size': '4M',
  };
  const listed = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return {
    wsrep_on: 'ON',
    wsrep_provider: '/usr/lib/galera/libgalera_smm.so',
    wsrep_cluster_name: 'shop',
    wsrep_cluster_address: `gcomm://${peers}`,
    wsrep_node_address: '127.0.0.1',
    wsrep_provider_options: `"${listed.join(';')}"`,
    wsrep_sst_method: 'position',
    binlog_format: 'ROW',
    innodb_autoinc_lock_mode: '2',
  };
}
