import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** Version of Kubernetes that the tests run on, such as `1.36.3`: KUBERNETES_VERSION, otherwise that of go.mod (build.sh). */
export function kubernetesVersion(): string {
  const goMod = readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8');
  const [, own = ''] = /^\tk8s\.io\/kubernetes v(.+)$/m.exec(goMod) ?? [];
  return process.env['KUBERNETES_VERSION'] ?? own;
}

/** Returns true where the Kubernetes of this run has at least this minor version: `isAtLeast('1.34')`. */
export function isAtLeast(minor: string): boolean {
  const number = (version: string) => Number(version.split('.')[1]);
  return number(kubernetesVersion()) >= number(minor);
}
