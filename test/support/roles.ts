import { isDeepStrictEqual } from 'node:util';

import type { Moment } from '../controlplane/endpoints.ts';
import { readyHistory } from '../controlplane/endpoints.ts';
import { conditionOf } from './world.ts';
import type { StoredBackend, World } from './world.ts';

/** For what a busy machine may take long for. */
export const patientlyMs = 40_000;

/** Stores what probes log in with. */
export async function storeLogin(
  world: World,
  name: string,
  login: { readonly username: string; readonly password: string },
): Promise<void> {
  const metadata = { name, namespace: world.ns };
  await world.admin.apply({ kind: 'Secret', metadata, type: 'kubernetes.io/basic-auth', stringData: login });
}

/** Since when and until when each server took writes, as its administrator knows it. */
export interface Annals {
  /** Now, at the latest: before it is promoted. */
  begins(address: string): void;
  /** Now, at the earliest: before it is a replica. */
  ends(address: string): void;
  /** Moments at which the Service had more than one server, or one that was no primary then. */
  misled(world: World, service: string): readonly Moment[];
}

export function annals(...primaries: readonly string[]): Annals {
  const reigns = primaries.map((address) => ({ address, from: 0, to: Infinity }));
  const reigned = (address: string, atMs: number): boolean =>
    reigns.some((reign) => reign.address === address && reign.from <= atMs && atMs <= reign.to);
  return {
    begins: (address) => void reigns.push({ address, from: performance.now(), to: Infinity }),
    ends: (address) => {
      for (const reign of reigns) if (reign.address === address) reign.to = performance.now();
    },
    misled: (world, service) =>
      readyHistory(world.slices.history, service).filter(
        ({ atMs, ready }) => ready.length > 1 || !ready.every((address) => reigned(address, atMs)),
      ),
  };
}

type AddressStatus = NonNullable<
  NonNullable<StoredBackend['status']>['targets']
>[number]['addresses'][number];

/** What the status says of the address. */
export const addressOf = (backend: StoredBackend | undefined, ip: string): AddressStatus | undefined =>
  backend?.status?.targets?.flatMap(({ addresses }) => addresses).find((address) => address.ip === ip);

/** Waits until the status says of the address what is given, and perhaps more. */
export async function told(
  world: World,
  name: string,
  ip: string,
  wanted: Partial<AddressStatus>,
): Promise<AddressStatus> {
  const says = (now: ReadonlyMap<string, StoredBackend>) => {
    const address = addressOf(now.get(name), ip);
    const fits = Object.entries(wanted).every(([field, value]) =>
      isDeepStrictEqual(address?.[field as keyof AddressStatus], value),
    );
    return fits ? address : undefined;
  };
  return world.backends.until(says, patientlyMs, `${name} says of ${ip}: ${JSON.stringify(wanted)}`);
}

/** Waits until the condition Degraded has this reason. */
export async function degraded(world: World, name: string, reason: string): Promise<void> {
  await world.backends.until(
    (now) => conditionOf(now.get(name), 'Degraded')?.reason === reason,
    patientlyMs,
    `${name}: Degraded ${reason}`,
  );
}

/** Events about the primary so far, in the order in which they came: `PrimaryLost`. */
export const primaryEvents = (world: World, name: string): readonly string[] =>
  world.events.history
    .filter(({ type, object }) => type !== 'DELETED' && object.regarding?.name === name)
    .map(({ object }) => object.reason)
    .filter((reason) => /Primar/.test(reason));

/** Waits for so many Events about the primary; those that came. */
export async function toldOfPrimary(world: World, name: string, count: number): Promise<readonly string[]> {
  const come = () => primaryEvents(world, name).length >= count;
  await world.events.until(come, patientlyMs, `${count} Events about the primary of ${name}`);
  return primaryEvents(world, name);
}

/** All that the operator says anywhere: its log, statuses, Events, metrics, and what it publishes. */
export async function everythingSaid(world: World): Promise<string> {
  const operator = world.operator();
  return [
    operator.log(Infinity),
    await operator.metrics(),
    ...[world.backends, world.events, world.slices].map(({ history }) => JSON.stringify(history)),
    ...(await Promise.all(
      (['Service', 'Endpoints'] as const).map(async (kind) =>
        JSON.stringify(await world.admin.list(kind, world.ns)),
      ),
    )),
  ].join('\n');
}

/** Runs of probes so far whose server was up, by handler and reason, such as AuthFailed. */
export async function upVerdicts(world: World, handler: string, reason: string): Promise<number> {
  const line = new RegExp(
    `^external_backend_probe_results_total\\{handler="${handler}",result="up",reason="${reason}"\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(await world.operator().metrics())?.[1] ?? 0);
}
