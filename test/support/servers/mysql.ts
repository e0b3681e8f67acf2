import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { mustRun } from '../../controlplane/run.ts';
import type { Certificate } from '../../probe/support/certificates.ts';
import { RunningMariaDb, writeCertificate } from './mariadb.ts';
import type { MariaDb, Vendor } from './mariadb.ts';
import { bring } from './unstable.ts';
import type { Brought } from './unstable.ts';

/** A real MySQL of Oracle, with the same interface as MariaDB. Its `root` has no password either. */
export type MySql = MariaDb;

/** `MySQL`, or why it is not available here; then its tests are skipped. */
export interface MySqlSupply {
  readonly isHad: boolean;
  readonly title: string;
  /** As `startMariaDb`; about 2 s. */
  start(
    address: string,
    port: number,
    settings?: Readonly<Record<string, string>>,
    certificate?: Certificate,
  ): Promise<MySql>;
}

/** Downloads MySQL from Debian unstable: a minute, once. */
export async function bringMySql(): Promise<MySqlSupply> {
  const supply = await bring('mysql-server-core');
  if ('missing' in supply)
    return {
      isHad: false,
      title: `MySQL, skipped: ${supply.missing}`,
      start: () => Promise.reject(new Error(supply.missing)),
    };
  const vendor = vendorOf(supply);
  return {
    isHad: true,
    title: 'MySQL',
    start: async (address, port, settings = {}, certificate) => {
      const dir = mkdtempSync(join(tmpdir(), 'mysql-'));
      await mustRun(['cp', '-a', await initialized(supply.folder, vendor), join(dir, 'data')]);
      const tls = certificate === undefined ? {} : writeCertificate(dir, certificate);
      const server = new RunningMariaDb(address, port, dir, { ...settings, ...tls }, vendor);
      await server.start();
      return server;
    },
  };
}

/** Runs the server as root with its flag for that, because only root may be able to read its directory. */
function vendorOf({ folder, command }: Brought): Vendor {
  return {
    name: 'mysql',
    program: () => command('mysqld'),
    settings: {
      basedir: join(folder, 'root/usr'),
      'secure-file-priv': 'NULL',
      mysqlx: 'OFF',
      'innodb-redo-log-capacity': '32M',
      'innodb-doublewrite': 'OFF',
      'sync-binlog': '0',
      ...(process.getuid?.() === 0 ? { user: 'root' } : {}),
    },
  };
}

/** Returns a data directory to copy, on which no server has run. It is kept next to the program, because to create one takes 4 s. */
async function initialized(folder: string, { program, settings }: Vendor): Promise<string> {
  const kept = join(folder, 'data');
  if (existsSync(kept)) return kept;
  const work = mkdtempSync(`${kept}.`);
  const mine = join(work, 'data');
  const options = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const once = ['--no-defaults', '--initialize-insecure', `--datadir=${mine}`];
  try {
    await mustRun([...program(folder), ...once, ...options]);
    rmSync(join(mine, 'auto.cnf')); // otherwise all would have the same server_uuid
    renameSync(mine, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error; // otherwise another process was faster
  } finally {
    rmSync(work, { recursive: true });
  }
  return kept;
}
