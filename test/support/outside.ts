import { readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { startPart, waitFor } from '../controlplane/process.ts';
import { mustRun, run } from '../controlplane/run.ts';

/** A client on a machine of its own beside the node: what comes from it, comes from outside the cluster. */
export interface OutsideClient {
  readonly address: string;
  /** What a server says first; undefined when nothing comes, neither an answer nor a refusal, within 1 s. */
  readonly connect: (address: string, port: number) => Promise<string | undefined>;
  readonly stop: () => Promise<void>;
}

/** A network namespace with a wire to this one. Its way to everything is through this one. */
export async function startOutsideClient(dir: string): Promise<OutsideClient> {
  const [here, address] = ['10.98.0.1', '10.98.0.2'];
  const part = startPart('outside', ['unshare', '--net', 'sleep', 'infinity'], join(dir, 'outside.log'));
  const network = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/net`);
  await waitFor(part, () => Promise.resolve(network(part.pid) !== network('self')), 5000);
  const inside = ['nsenter', `--net=/proc/${part.pid}/ns/net`];
  await mustRun([
    'ip',
    'link',
    'add',
    'wire',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    `${part.pid}`,
  ]);
  await mustRun(['ip', 'addr', 'add', `${here}/24`, 'dev', 'wire']);
  await mustRun(['ip', 'link', 'set', 'wire', 'up']);
  await mustRun([...inside, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  await mustRun([...inside, 'ip', 'link', 'set', 'eth0', 'up']);
  await mustRun([...inside, 'ip', 'route', 'add', 'default', 'via', here]);
  return {
    address,
    connect: async (to, port) => {
      const listen = `read -r line </dev/tcp/${to}/${port} && echo "$line"`;
      const { code, stdout, stderr } = await run([...inside, 'timeout', '1', 'bash', '-c', listen]);
      if (code === 124) return undefined; // timeout(1)
      if (code !== 0) throw new Error(stderr);
      return stdout.trim();
    },
    stop: () => part.kill(),
  };
}
