import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { api } from './api.ts';
import { applyCrds, applyKubeDns, applyNode, applyZone } from './cluster.ts';
import type { PlaneDetails } from './details.ts';
import { addAddress } from './network.ts';
import * as parts from './parts.ts';
import type { Place } from './parts.ts';
import { startPart, waitFor } from './process.ts';
import type { Part } from './process.ts';
import { randomTokens, users, writeKubeconfigs, writeTokenFile } from './users.ts';
import type { UserName } from './users.ts';

export interface PlaneOptions {
  /** Default 10.99.0.1; a second plane beside the first takes another, 10.99.1.1 and so on. */
  readonly address?: string;
  /** kube-proxy and CoreDNS too. Only one plane of a network can have them. Default: no. */
  readonly dataPath?: boolean;
  /** Record who wrote what (requests.ts). Default: yes; benchmarks may not want it. */
  readonly audit?: boolean;
  /** Record all that this user does, reads too, and nothing of others. */
  readonly auditUser?: UserName;
  /** Install the CRDs of crds/. Default: yes. */
  readonly crds?: boolean;
  /** Further flags of the API server at its first start, such as `--emulated-version=1.33`. */
  readonly flags?: readonly string[];
}

/** A control plane that belongs to the caller, who stops it. */
export interface Plane {
  readonly details: PlaneDetails;
  part(name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-proxy' | 'coredns'): Part;
  /** SIGKILL; the data stays in etcd. */
  stopApiServer(): Promise<void>;
  /** Starts it again on the same data and address, with further flags, and waits for /readyz. */
  startApiServer(...flags: readonly string[]): Promise<void>;
  /** SIGSTOP and SIGCONT: it accepts connections and answers nothing. */
  freezeApiServer(): void;
  thawApiServer(): void;
  /** Kills all parts and removes their directory. */
  stop(): Promise<void>;
}

/** Starts etcd, API server and controller manager (about 4 s), and on request kube-proxy and CoreDNS (about 1 s). */
export async function startPlane(options: PlaneOptions = {}): Promise<Plane> {
  const {
    address = '10.99.0.1',
    dataPath = false,
    audit = true,
    crds = true,
    flags = [],
    auditUser,
  } = options;
  if (process.env['CONTROLPLANE_NETWORK'] !== 'inside') {
    throw new Error('the control plane needs its own network: run this under test/controlplane/netns.sh');
  }
  await addAddress(address);
  const place: Place = {
    binary: process.env['CONTROLPLANE'] ?? '',
    dir: mkdtempSync(join(tmpdir(), 'controlplane-')),
    address,
    dnsAddress: '10.99.0.53',
  };
  const plane = new RunningPlane(place, writeFiles(place, auditUser), audit);
  try {
    await plane.start(crds, flags);
    if (dataPath) await plane.startDataPath();
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}

function writeFiles(place: Place, auditUser: UserName | undefined): PlaneDetails {
  const { dir, binary, address, dnsAddress } = place;
  const tokens = randomTokens();
  const server = `https://${address}:${parts.ports.api}`;
  const caFile = join(dir, 'certs', 'apiserver.crt'); // which the API server makes for itself
  mkdirSync(join(dir, 'certs'));
  writeTokenFile(join(dir, 'tokens'), tokens);
  writeFileSync(
    join(dir, 'sa.key'),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
  );
  const policy = auditUser === undefined ? parts.auditPolicy : parts.auditPolicyOf(users[auditUser].user);
  writeFileSync(join(dir, 'audit-policy.json'), JSON.stringify(policy));
  writeFileSync(parts.auditLog(dir), '');
  writeFileSync(join(dir, 'hosts'), '');
  writeFileSync(join(dir, 'root-zone'), parts.rootZone);
  const kubeconfigs = writeKubeconfigs(dir, server, caFile, tokens);
  writeFileSync(join(dir, 'Corefile'), parts.corefile(place, kubeconfigs.admin));
  const dns = { service: parts.kubeDns, address: dnsAddress };
  return { server, address, caFile, dns, tokens, kubeconfigs, binary, dir };
}

class RunningPlane implements Plane {
  readonly details: PlaneDetails;
  readonly #place: Place;
  readonly #audit: boolean;
  readonly #parts = new Map<string, Part>();

  constructor(place: Place, details: PlaneDetails, audit: boolean) {
    this.#place = place;
    this.details = details;
    this.#audit = audit;
  }

  async start(crds: boolean, flags: readonly string[]): Promise<void> {
    this.#start('etcd', parts.etcd(this.#place));
    await this.#until('etcd', `http://${this.#place.address}:${parts.ports.etcd}/health`);
    await this.startApiServer(...flags);
    this.#start(
      'kube-controller-manager',
      parts.controllerManager(this.#place, this.details.kubeconfigs.admin),
    );
    if (crds) await applyCrds(this.details);
  }

  async startDataPath(): Promise<void> {
    const { address, dnsAddress } = this.#place;
    await applyNode(this.details, parts.nodeName);
    await applyKubeDns(this.details);
    this.#start('kube-proxy', parts.kubeProxy(this.#place, this.details.kubeconfigs.admin));
    this.#start('coredns', parts.coredns(this.#place));
    await Promise.all([
      this.#until('kube-proxy', `http://${address}:${parts.ports.proxyHealth}/healthz`),
      this.#until('coredns', `http://${dnsAddress}:${parts.ports.dnsReady}/ready`),
    ]);
    await applyZone(this.details, parts.nodeName);
  }

  part(name: string): Part {
    const part = this.#parts.get(name);
    if (part === undefined) throw new Error(`${name} was not started`);
    return part;
  }

  async stopApiServer(): Promise<void> {
    await this.part('kube-apiserver').kill();
  }

  async startApiServer(...flags: readonly string[]): Promise<void> {
    this.#start('kube-apiserver', [...parts.apiServer(this.#place, this.#audit), ...flags]);
    // Its certificate, which the client needs, is written by itself a moment after its start.
    const ready = async () => (await api(this.details, 'admin', 2000).send('GET', '/readyz')) === 'ok';
    await waitFor(this.part('kube-apiserver'), ready, 60_000);
  }

  freezeApiServer(): void {
    this.part('kube-apiserver').signal('SIGSTOP');
  }

  thawApiServer(): void {
    this.part('kube-apiserver').signal('SIGCONT');
  }

  /** etcd last: without it the API server does not end for a long time. */
  async stop(): Promise<void> {
    for (const part of [...this.#parts.values()].reverse()) await part.kill();
    rmSync(this.#place.dir, { recursive: true, force: true });
  }

  #start(name: string, command: readonly string[]): void {
    this.#parts.set(name, startPart(name, command, join(this.#place.dir, `${name}.log`)));
  }

  async #until(name: string, url: string): Promise<void> {
    await waitFor(this.part(name), () => answers(url), 60_000);
  }
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}
