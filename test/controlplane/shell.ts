import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import type { PlaneDetails } from './details.ts';
import { kubectlCache } from './kubectl.ts';
import { startPlane } from './plane.ts';

// `make controlplane`: starts all parts, opens a shell beside them, and stops them when it ends.

/** The environment of a shell in which `kubectl` works. */
export function shellEnvironment(plane: PlaneDetails): Readonly<Record<string, string>> {
  const bin = join(plane.dir, 'bin');
  mkdirSync(bin, { recursive: true });
  const kubectl = join(bin, 'kubectl');
  writeFileSync(kubectl, `#!/bin/sh\nexec '${plane.binary}' kubectl "$@"\n`);
  chmodSync(kubectl, 0o755);
  return {
    KUBECONFIG: plane.kubeconfigs.admin,
    KUBECACHEDIR: kubectlCache(plane),
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    PS1: 'controlplane$ ',
  };
}

/** An interactive shell; resolves when the user leaves it. */
export async function openShell(plane: PlaneDetails): Promise<void> {
  const shell = spawn('bash', ['--norc', '-i'], {
    stdio: 'inherit',
    env: { ...process.env, ...shellEnvironment(plane) },
  });
  // Ctrl-C is the shell's; it must not end this process and the control plane with it.
  process.on('SIGINT', () => undefined);
  await once(shell, 'exit');
}

const legend = ({ server, dns, dir, kubeconfigs }: PlaneDetails): string => `
  API server      ${server}
  Services        10.96.0.0/16, by kube-proxy; node ports on ${new URL(server).hostname}
  names           ${dns.service} (kube-dns) leads to CoreDNS at ${dns.address}; resolved as in a pod
  kubectl         in the PATH, as admin; as others: kubectl --kubeconfig ${kubeconfigs.alice}
  logs            ${dir}/<part>.log; who wrote what: ${dir}/audit.log
  a target        ip addr add 10.20.0.11/32 dev lo, and something that listens there
  the operator    node src/main.ts

Nothing here reaches the machine's network. "exit" stops and removes everything.
`;

if (import.meta.main) {
  console.log('control plane: starting (5 to 10 s)');
  const plane = await startPlane({ dataPath: true });
  console.log(legend(plane.details));
  await openShell(plane.details);
  await plane.stop();
}
