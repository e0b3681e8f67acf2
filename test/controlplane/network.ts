import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';

import { mustRun, run } from './run.ts';

/** Gives the network an address that listeners can take. Harmless when it is there. */
export async function addAddress(...addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const { code, stderr } = await run([
      'ip',
      'addr',
      'add',
      hostRoute(address),
      'dev',
      'lo',
      ...(address.includes(':') ? ['nodad'] : []),
    ]);
    if (code !== 0 && !/File exists|already assigned/.test(stderr)) throw new Error(stderr);
  }
}

export async function removeAddress(address: string): Promise<void> {
  await mustRun(['ip', 'addr', 'del', hostRoute(address), 'dev', 'lo']);
}

/** Makes all addresses of a network local, and listens at this port of each: for hundreds of targets. */
export async function listenEverywhere(network: string, port: number): Promise<Server> {
  await mustRun(['ip', 'route', 'replace', 'local', network, 'dev', 'lo']);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
  });
  await once(server.listen({ host: '0.0.0.0', port, backlog: 4096 }), 'listening');
  return server.unref();
}

const hostRoute = (address: string) => (address.includes(':') ? `${address}/128` : `${address}/32`);

export interface DropOptions {
  /** Only this TCP port; default everything to the address. */
  readonly port?: number;
  /** `reject` answers with a reset (ICMP unreachable for other protocols); default `drop`: silence. */
  readonly how?: 'drop' | 'reject';
}

/** Packets to the addresses vanish, as of a host whose network is gone. Returns how to undo it. */
export async function dropPackets(
  addresses: string | readonly string[],
  { port, how = 'drop' }: DropOptions = {},
): Promise<() => Promise<void>> {
  const all = typeof addresses === 'string' ? [addresses] : addresses;
  // A table of its own for each call, so that calls do not disturb each other, nor kube-proxy's rules.
  const table = `test-${crypto.randomUUID().slice(0, 8)}`;
  const rules = [4, 6].flatMap((version) => {
    const list = all.filter((address) => address.includes(':') === (version === 6));
    const of = `${version === 4 ? 'ip' : 'ip6'} daddr { ${list.join(', ')} }`;
    if (list.length === 0) return [];
    if (how === 'drop') return [`${of} ${port === undefined ? '' : `tcp dport ${port} `}drop`];
    return [`${of} tcp dport ${port ?? '1-65535'} reject with tcp reset`];
  });
  // Not the output hook: there the sender would get an error instead of silence.
  const chain = `chain silent { type filter hook input priority -300;\n${rules.join('\n')}\n}`;
  await mustRun(['nft', '-f', '-'], { stdin: `table inet ${table} {\n${chain}\n}\n` });
  return async () => {
    await mustRun(['nft', 'delete', 'table', 'inet', table]);
  };
}

/**
 * Lets the kernel forget at once that a connection was tried and not answered. It would remember for two minutes to which
 * server, and lead a later connection there whose client happens to have the same port, past all that kube-proxy has
 * learnt since; with hundreds of connections from one address that happens all the time.
 */
export function forgetUnanswered(): void {
  writeFileSync('/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent', '1');
}
