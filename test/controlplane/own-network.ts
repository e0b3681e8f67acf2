import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';

import { startPart } from './process.ts';
import { mustRun, run } from './run.ts';

/** A network namespace with one link to the network of the control plane, as a node with one uplink. */
export interface OwnNetwork {
  /** Address of the namespace. */
  readonly address: string;
  /** Command in front of a program that is to run there. */
  readonly enter: readonly string[];
  /** Drops what comes from there for these networks. Returns how to undo it. */
  cut(networks: readonly string[]): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Creates such a namespace. @param n number of it in this network, 1 to 99 */
export async function openNetwork(n: number): Promise<OwnNetwork> {
  const log = join(mkdtempSync('/var/tmp/network-'), 'log');
  const holder = startPart('network', ['unshare', '--net', 'sleep', 'infinity'], log);
  const [link, address, gateway] = [`own${n}`, `10.98.${n}.2`, `10.98.${n}.1`];
  const enter = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
  // Until the process has its namespace, the peer would be in this one.
  while ((await run([...enter, 'ip', '-o', 'link', 'show', 'lo'])).stdout.includes(',UP')) continue;
  await mustRun([
    'ip',
    'link',
    'add',
    link,
    'type',
    'veth',
    'peer',
    'name',
    'up0',
    'netns',
    String(holder.pid),
  ]);
  await mustRun(['ip', 'addr', 'add', `${gateway}/24`, 'dev', link]);
  await mustRun(['ip', 'link', 'set', link, 'up']);
  for (const command of [
    ['ip', 'link', 'set', 'lo', 'up'],
    ['ip', 'addr', 'add', `${address}/24`, 'dev', 'up0'],
    ['ip', 'link', 'set', 'up0', 'up'],
    ['ip', 'route', 'add', 'default', 'via', gateway],
  ])
    await mustRun([...enter, ...command]);
  return {
    address,
    enter,
    cut: (networks) => cut(link, networks),
    close: async () => {
      await run(['ip', 'link', 'del', link]);
      await holder.kill();
    },
  };
}

async function cut(link: string, networks: readonly string[]): Promise<() => Promise<void>> {
  const table = `cut-${crypto.randomUUID().slice(0, 8)}`;
  const rule = `iifname "${link}" ip daddr { ${networks.join(', ')} } drop`;
  const chain = `chain silent { type filter hook input priority -300;\n${rule}\n}`;
  await mustRun(['nft', '-f', '-'], { stdin: `table inet ${table} {\n${chain}\n}\n` });
  return async () => {
    await mustRun(['nft', 'delete', 'table', 'inet', table]);
  };
}
