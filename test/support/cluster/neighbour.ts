import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startPart, waitFor } from '../../controlplane/process.ts';
import { mustRun, run } from '../../controlplane/run.ts';

/** A client with a network of its own and a wire to the node, as a pod has it, or a machine outside the cluster. */
export interface Neighbour {
  /** Returns the first line of a server, `refused`, or `silence` if nothing is received within 2 s. */
  readonly connect: (address: string, port: number) => Promise<string>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts it. Its route to everything leads through the node.
 * @param dir for its log
 * @param address from 10.244.0.0/16 it is a pod to kube-proxy, any other comes from outside
 */
export async function startNeighbour(dir: string, address: string): Promise<Neighbour> {
  const part = startPart('neighbour', ['unshare', '--net', 'sleep', 'infinity'], join(dir, 'neighbour.log'));
  const network = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`);
  await waitFor(part, () => Promise.resolve(network(part.pid) !== network('self')), 5000);
  const inside = ['nsenter', `--net=/proc/${part.pid}/ns/net`];
  const wire = `wire${part.pid}`;
  // The node routes, like every node, and reports what it refuses.
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  await mustRun(['ip', 'link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${part.pid}`]);
  await mustRun(['ip', 'link', 'set', wire, 'up']);
  await mustRun(['ip', 'route', 'add', `${address}/32`, 'dev', wire]);
  await mustRun([...inside, 'ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0']);
  await mustRun([...inside, 'ip', 'link', 'set', 'eth0', 'up']);
  await mustRun([...inside, 'ip', 'route', 'add', '10.99.0.1', 'dev', 'eth0']);
  await mustRun([...inside, 'ip', 'route', 'add', 'default', 'via', '10.99.0.1', 'dev', 'eth0']);
  return {
    // The kernel loses a refusal that arrives at the moment of the call. The next try, 1 s later, receives it.
    connect: async (to, port) => {
      const listen = `read -r line </dev/tcp/${to}/${port} && echo "$line"`;
      const { code, stdout, stderr } = await run([...inside, 'timeout', '2', 'bash', '-c', listen]);
      if (code === 0) return stdout.trim();
      if (code === 124) return 'silence'; // timeout(1)
      if (stderr.includes('refused')) return 'refused';
      throw new Error(stderr);
    },
    stop: () => part.kill(),
  };
}
