import { readFileSync } from 'node:fs';
import process from 'node:process';

import type { UserName } from './users.ts';

/** What one must know to use a running control plane; plain data, so that it reaches other processes as a file. */
export interface PlaneDetails {
  /** `https://10.99.0.1:6443` */
  readonly server: string;
  /** The address of API server, node and node ports. */
  readonly address: string;
  readonly caFile: string;
  /** kube-dns' Service address (through kube-proxy) and CoreDNS itself. */
  readonly dns: { readonly service: string; readonly address: string };
  readonly tokens: Readonly<Record<UserName, string>>;
  readonly kubeconfigs: Readonly<Record<UserName, string>>;
  /** The multi-call program of all parts. */
  readonly binary: string;
  /** Data, logs (`<part>.log`), the audit log and kubeconfigs. */
  readonly dir: string;
}

/** The control plane of this Jest run; see global-setup.ts. */
export function controlPlane(): PlaneDetails {
  const file = process.env['CONTROLPLANE_DETAILS'];
  if (file === undefined)
    throw new Error('no control plane is running: use `make integration` or `make e2e`');
  return JSON.parse(readFileSync(file, 'utf8')) as PlaneDetails;
}
