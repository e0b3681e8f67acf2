import type { Spec } from '../../../src/api/external-backend.ts';
import { parseStatus } from '../../../src/api/parse.ts';
import type { Service } from '../../../src/core/kubernetes/objects.ts';
import type { Change } from '../cluster.ts';
import { boundsFor } from '../bounds.ts';
import { namesOf, type Scene } from '../scene.ts';
import type { CreateRule } from './rule.ts';

type By = NonNullable<Change['by']>;

/**
 * An alias moves to a host only after a success of one of its addresses in the writer's own term. It leaves a host
 * only on a spec, on verdicts down of all its addresses or their state in the status, or for an earlier target. In
 * the end it does not lead to a failed host while another one is well.
 */
export const aliasOnEvidence: CreateRule = (scene, fault) => ({
  written: ({ before, after, by }) => {
    if (by === undefined || after?.kind !== 'Service' || before === undefined) return;
    const [from, to] = [hostOf(before as Service), hostOf(after as Service)];
    if (from === undefined || to === undefined || from === to) return;
    const spec = aliasSpec(scene, after.metadata.name);
    if (spec === undefined) return;
    if (!isUp(scene, by, spec, to, scene.windowFrom(by.sentAt)))
      fault(`${by.replica.identity} moved the alias to ${to} without a success in its term`);
    if (!specsOf(scene, by, after.metadata.name).some((each) => mayLeave(scene, by, each, { from, to })))
      fault(`${by.replica.identity} moved the alias from ${from} to ${to} without evidence`);
  },
  isSettled: () => failedAlias(scene) === undefined && scene.now > followedAt(scene),
  ends: () => {
    const failed = failedAlias(scene);
    if (failed !== undefined) fault(failed);
  },
});

/** Returns the instant by which the status of each alias has followed the last event. */
function followedAt(scene: Scene): number {
  const specs = scene.backends.flatMap((backend) => scene.specOf(backend) ?? []);
  const aliases = specs.filter(({ mode }) => mode === 'ExternalName').map(boundsFor);
  return scene.changedAt + Math.max(0, ...aliases.map(({ joinMs, outMs }) => Math.max(joinMs, outMs.dead)));
}

/** Returns the alias that leads to a failed host while another one is well, as text. */
function failedAlias(scene: Scene): string | undefined {
  for (const service of scene.cluster.api.cluster.all('Service') as readonly Service[]) {
    const host = hostOf(service);
    const spec = aliasSpec(scene, service.metadata.name);
    if (host === undefined || spec === undefined || spec.suspend) continue;
    const well = spec.targets.filter((target) => !target.drain && isAlive(scene, target.host));
    if (well.length > 0 && !well.some((target) => target.host === host))
      return `${service.metadata.name} leads to ${host}, while ${well[0]?.host ?? ''} is well`;
  }
  return undefined;
}

const hostOf = ({ spec }: Service): string | undefined => spec.externalName?.replace(/\.$/, '');

function aliasSpec(scene: Scene, service: string): Spec | undefined {
  const backend = scene.backends.find((name) => namesOf(name, scene.specOf(name)).includes(service));
  const spec = backend === undefined ? undefined : scene.specOf(backend);
  return spec?.mode === 'ExternalName' ? spec : undefined;
}

/** Returns the specs that may have been in force when a write was decided. */
const specsOf = (scene: Scene, by: By, service: string): readonly Spec[] =>
  scene.backends
    .filter((backend) => namesOf(backend, scene.specOf(backend)).includes(service))
    .flatMap((backend) => scene.specsSince(backend, scene.windowFrom(by.sentAt)))
    .filter((spec) => spec !== undefined);

const addressesOf = (scene: Scene, host: string): readonly string[] => scene.zones.addresses.get(host) ?? [];

const isAlive = (scene: Scene, host: string): boolean =>
  addressesOf(scene, host).some((ip) => scene.targets.hosts.get(ip)?.state === 'up');

const thresholdOf = ({ probe }: Spec): number => probe?.failureThreshold ?? 3;

const isUp = (scene: Scene, by: By, spec: Spec, host: string, from: number): boolean =>
  addressesOf(scene, host).some((ip) =>
    scene.evidence.heardSince(by, ip, from).some(({ hadUp, downs }) => hadUp && downs < thresholdOf(spec)),
  );

function mayLeave(scene: Scene, by: By, spec: Spec, move: { readonly from: string; readonly to: string }) {
  const since = scene.windowFrom(by.sentAt);
  const order = spec.targets.map(({ host }) => host);
  const isAsked = spec.targets.some(({ host, drain }) => host === move.from && !drain);
  if (!isAsked || order.indexOf(move.to) < order.indexOf(move.from)) return true;
  const failed = failedInStatus(scene);
  return addressesOf(scene, move.from).every(
    (ip) =>
      failed.has(ip) ||
      scene.evidence.heardSince(by, ip, since).some(({ downs }) => downs >= thresholdOf(spec)),
  );
}

/** Returns the addresses that a status has as unhealthy. An alias has no slices, so a term begins with its status. */
function failedInStatus(scene: Scene): ReadonlySet<string> {
  const statuses = scene.cluster.api.cluster.all('ExternalBackend').map((backend) => parseStatus(backend));
  const addresses = statuses.flatMap((status) =>
    (status?.targets ?? []).flatMap((target) => target.addresses),
  );
  return new Set(addresses.filter(({ health }) => health === 'unhealthy').map(({ ip }) => ip));
}
