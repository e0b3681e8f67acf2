import { isDeepStrictEqual } from 'node:util';

import { controlPlane } from '../../controlplane/details.ts';
import type { Moment } from '../../controlplane/endpoints.ts';
import { readyHistory } from '../../controlplane/endpoints.ts';
import type { Kinds } from '../../controlplane/kinds.ts';
import { hosts } from '../builders/backends.ts';
import { conditionOf, openWorld } from './world.ts';
import type { Spec, StoredBackend, World } from './world.ts';

/** Deadline for what may take long on a busy machine. */
export const patientlyMs = 40_000;

/** A world whose operator may read every Secret, and whose `serves` waits for `patientlyMs`. */
export interface RolesWorld extends World {
  /** Stores the login of the probes. */
  readonly storeLogin: (name: string, login: Login) => Promise<void>;
  /** Waits until the status of the address has these fields. */
  readonly reports: (name: string, ip: string, wanted: Partial<AddressStatus>) => Promise<AddressStatus>;
  /** Waits until the condition Degraded has this reason. */
  readonly degraded: (name: string, reason: string) => Promise<void>;
  /** Waits for this number of Events about the primary, and returns the reasons of all. */
  readonly primaryEvents: (name: string, count: number) => Promise<readonly string[]>;
  /** Promotes the server, waits until the Service leads to it alone, and prints how long that took. */
  readonly promoted: (service: string, address: string, promote: () => Promise<unknown>) => Promise<void>;
  /** Returns the passwords, as they are or in base64, that appear in any output of the operator. */
  readonly leaked: (...passwords: readonly string[]) => Promise<readonly string[]>;
  /** Returns the number of probes so far whose server was up, by handler and reason, such as AuthFailed. */
  readonly upVerdicts: (handler: string, reason: string) => Promise<number>;
}

export async function openRolesWorld(prefix: string, args: readonly string[] = []): Promise<RolesWorld> {
  const plane = controlPlane();
  const opened = await openWorld(plane, { prefix, args, kubeconfig: plane.kubeconfigs.admin });
  const world: World = {
    ...opened,
    serves: (service, addresses) => opened.serves(service, addresses, patientlyMs),
  };
  return {
    ...world,
    storeLogin: (...of) => storeLogin(world, ...of),
    reports: (...of) => reports(world, ...of),
    degraded: (...of) => degraded(world, ...of),
    primaryEvents: (...of) => primaryEvents(world, ...of),
    promoted: (...of) => promoted(world, ...of),
    leaked: (...of) => leaked(world, ...of),
    upVerdicts: (...of) => upVerdicts(world, ...of),
  };
}

/** Returns the status of a server that reports role Primary, and is excluded because another one is published. */
export const secondPrimary = (name: string): Partial<AddressStatus> => ({
  role: 'Primary',
  health: 'healthy',
  excluded: [
    { service: `${name}-rw`, reason: 'SecondPrimary' },
    { service: `${name}-ro`, reason: 'NotReplica' },
  ],
});

/**
 * Returns a backend of databases whose role is probed each second, with a login from the Secret `login`.
 * Redis reads the password itself, and has no TLS here.
 */
export const byRole = (
  handler: 'postgres' | 'mysql' | 'redis',
  port: number,
  addresses: readonly string[],
  services: readonly Spec[],
): Spec => ({
  targets: hosts(...addresses),
  ports: [{ port }],
  credentials: { secretName: 'login', ...(handler === 'redis' && { allowClearText: true }) },
  probe: { [handler]: {}, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 },
  services,
});

export const rw = (name: string): Spec => ({ name: `${name}-rw`, role: 'Primary' });

export const ro = (name: string): Spec => ({ name: `${name}-ro`, role: 'Replica' });

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Stores the login of the probes. */
export async function storeLogin(world: World, name: string, login: Login): Promise<void> {
  const metadata = { name, namespace: world.ns };
  await world.admin.apply({ kind: 'Secret', metadata, type: 'kubernetes.io/basic-auth', stringData: login });
}

/** Periods in which each server accepted writes, according to its administrator. */
export interface WritablePeriods {
  /** Begins a period now, at the latest: before it is promoted. */
  begins(address: string): void;
  /** Ends a period now, at the earliest: before it is a replica. */
  ends(address: string): void;
  /** Returns moments at which the Service had more than one server, or one that was no primary then. */
  misrouted(world: World, service: string): readonly Moment[];
}

export function writablePeriods(...primaries: readonly string[]): WritablePeriods {
  const periods = primaries.map((address) => ({ address, from: 0, to: Infinity }));
  const wasWritable = (address: string, atMs: number): boolean =>
    periods.some(({ address: of, from, to }) => of === address && from <= atMs && atMs <= to);
  return {
    begins: (address) => void periods.push({ address, from: performance.now(), to: Infinity }),
    ends: (address) => {
      for (const period of periods) if (period.address === address) period.to = performance.now();
    },
    misrouted: (world, service) =>
      readyHistory(world.slices.history, service).filter(
        ({ atMs, ready }) => ready.length > 1 || !ready.every((address) => wasWritable(address, atMs)),
      ),
  };
}

async function promoted(
  world: World,
  service: string,
  address: string,
  promote: () => Promise<unknown>,
): Promise<void> {
  const beganMs = performance.now();
  await promote();
  await world.serves(service, [address]);
  const tookMs = Math.round(performance.now() - beganMs);
  console.info(`${service} led to the new primary ${tookMs} ms after its promotion began`);
}

type AddressStatus = NonNullable<
  NonNullable<StoredBackend['status']>['targets']
>[number]['addresses'][number];

/** Returns the status of the address. */
const addressOf = (backend: StoredBackend | undefined, ip: string): AddressStatus | undefined =>
  backend?.status?.targets?.flatMap(({ addresses }) => addresses).find((address) => address.ip === ip);

async function reports(
  world: World,
  name: string,
  ip: string,
  wanted: Partial<AddressStatus>,
): Promise<AddressStatus> {
  const found = (now: ReadonlyMap<string, StoredBackend>) => {
    const address = addressOf(now.get(name), ip);
    const fits = Object.entries(wanted).every(([field, value]) =>
      isDeepStrictEqual(address?.[field as keyof AddressStatus], value),
    );
    return fits ? address : undefined;
  };
  return world.backends.until(found, patientlyMs, `${name} reports of ${ip}: ${JSON.stringify(wanted)}`);
}

async function degraded(world: World, name: string, reason: string): Promise<void> {
  await world.backends.until(
    (now) => conditionOf(now.get(name), 'Degraded')?.reason === reason,
    patientlyMs,
    `${name}: Degraded ${reason}`,
  );
}

/** Returns the Events of the backend so far, in the order of their arrival. */
export const eventsOf = (world: World, name: string): readonly Kinds['Event'][] =>
  world.events.history
    .filter(({ type, object }) => type !== 'DELETED' && object.regarding?.name === name)
    .map(({ object }) => object);

/** Returns reasons of Events about the primary so far, such as `PrimaryLost`. */
const primaryReasons = (world: World, name: string): readonly string[] =>
  eventsOf(world, name)
    .map(({ reason }) => reason)
    .filter((reason) => /Primar/.test(reason));

async function primaryEvents(world: World, name: string, count: number): Promise<readonly string[]> {
  const come = () => primaryReasons(world, name).length >= count;
  await world.events.until(come, patientlyMs, `${count} Events about the primary of ${name}`);
  return primaryReasons(world, name);
}

async function leaked(world: World, ...passwords: readonly string[]): Promise<readonly string[]> {
  const output = await everyOutput(world);
  return passwords
    .flatMap((password) => [password, Buffer.from(password).toString('base64')])
    .filter((form) => output.includes(form));
}

/** Returns all output of the operator: its log, statuses, Events, metrics, and what it publishes. */
async function everyOutput(world: World): Promise<string> {
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

async function upVerdicts(world: World, handler: string, reason: string): Promise<number> {
  const line = new RegExp(
    `^external_backend_probe_results_total\\{handler="${handler}",result="up",reason="${reason}"\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(await world.operator().metrics())?.[1] ?? 0);
}
