import type { Spec } from '../../../src/api/external-backend.ts';
import type { ServiceLike } from '../../engine/histories/wanted.ts';
import type { Change } from '../cluster.ts';
import { readyByService } from '../published.ts';
import { servicesOf, termOf, type Scene } from '../scene.ts';
import { tierIn } from '../needs.ts';
import type { Move } from './rule.ts';

export type By = NonNullable<Change['by']>;

/**
 * Why an address left a Service, as far as the writer could know.
 *
 * | departure | reason                                                                                          |
 * |-----------|-------------------------------------------------------------------------------------------------|
 * | `word`    | a spec that was in force when the write was decided does not ask for it there, or its name lost it |
 * | `window`  | a maintenance window drains it, and nothing else                                                 |
 * | `role`    | it has another role, or another server has its role                                              |
 * | `standby` | an address of a better tier is ready, or was just reported up                                   |
 * | `down`    | `failureThreshold` verdicts down in a row, in the writer's own term                              |
 * | `late`    | a late write of a former leader had added it: the slices that the term began with count          |
 * | `none`    | no reason                                                                                        |
 */
export type Departure = 'word' | 'role' | 'standby' | 'down' | 'window' | 'late' | 'none';

/** Judges why addresses leave. Knows who made each address ready. */
export class Departures {
  readonly #scene: Scene;
  readonly #late = new Map<string, Change['by']>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Returns the addresses that a write of a replica made leave for all their ports, with the reason of each. */
  of(by: Change['by'], moves: readonly Move[]): readonly (readonly [Move, Departure])[] {
    const left: (readonly [Move, Departure])[] = [];
    for (const move of moves) {
      const key = `${move.service} ${move.ip}`;
      if (move.isReady) this.#late.set(key, by);
      else if (by !== undefined && !move.wasListed)
        left.push([
          move,
          isLate(this.#scene, by, this.#late.get(key)) ? 'late' : departureOf(this.#scene, by, move),
        ]);
    }
    return left;
  }
}

/** Returns true if a write of another term was sent before this term began, and may have arrived after that. */
const isLate = (scene: Scene, by: By, added: Change['by']): boolean =>
  added !== undefined && termOf(added) !== termOf(by) && added.arrivedAt >= scene.beginOf(by);

/** Returns why a replica takes an address out of a Service. */
export function departureOf(scene: Scene, by: By, { service, ip }: Pick<Move, 'service' | 'ip'>): Departure {
  const from = scene.windowFrom(by.sentAt);
  const backend = scene.holderOf(service);
  if (backend === undefined) return 'word';
  const isDrained = isDrainedByWindow(scene, backend, ip, from);
  const found = scene.specsSince(backend, from).map((spec) => {
    const of = servicesOf(backend, spec).find(({ name }) => name === service);
    if (spec === undefined || of === undefined || !isAskedFor(scene, by, spec, ip, from)) return 'word';
    if (isOfOtherRole(scene, by, of, ip, from)) return 'role';
    if (isStandby(scene, by, spec, { ip, service, from })) return 'standby';
    if (isDown(scene, by, spec, ip, from)) return 'down';
    return isDrained ? 'window' : 'none';
  });
  return (
    (['word', 'role', 'standby', 'down', 'window'] as const).find((each) => found.includes(each)) ?? 'none'
  );
}

/** Returns true if a maintenance window has drained the address at any time since an instant. */
export const isDrainedByWindow = (scene: Scene, backend: string, ip: string, from: number): boolean =>
  scene.hasWindows(backend) && scene.actionsSince(backend, ip, from).some(({ action }) => action === 'Drain');

/** Returns true if a target asks for the address, as far as the replica could know. */
function isAskedFor(scene: Scene, by: By, { targets }: Spec, ip: string, from: number): boolean {
  return targets.some(({ host, drain }) => {
    if (drain) return false;
    if (!scene.zones.names.has(host)) return host === ip;
    if (!scene.zones.hasHad(host, ip) || scene.evidence.hasLost(by, host, ip, from)) return false;
    // Without the slices of before, a term knows only what it has heard.
    return !scene.isTampered || scene.evidence.hasFound(by, host, ip, scene.beginOf(by));
  });
}

/** Returns true if the writer had seen the address fail as often as its threshold, at any time since an instant. */
export function isDown(scene: Scene, by: By, spec: Spec, ip: string, from: number): boolean {
  // A port with a probe of its own follows the role that another one reports: see 'roles' in settings.ts.
  const isRoleOfOtherPort = (spec.services ?? []).some(({ role }) => role !== 'Any') && hasOwnProbe(spec);
  const threshold = isRoleOfOtherPort ? 1 : (spec.probe?.failureThreshold ?? 3);
  return scene.evidence.heardSince(by, ip, from).some(({ downs }) => downs >= threshold);
}

const hasOwnProbe = ({ ports = [] }: Spec): boolean => ports.some(({ probe }) => probe !== undefined);

function isOfOtherRole(scene: Scene, by: By, { role }: ServiceLike, ip: string, from: number): boolean {
  if (role === 'Any') return false;
  if (role === 'Replica' && isPrimarySomewhere(scene, ip)) return true;
  const heard = scene.evidence.heardSince(by, ip, from);
  if (heard.some((each) => each.role !== undefined && each.role !== role)) return true;
  const others = [...scene.targets.hosts.keys()].filter((other) => other !== ip);
  return (
    role === 'Primary' &&
    others.some((other) => scene.evidence.heardSince(by, other, from).some((each) => each.role === 'Primary'))
  );
}

/** Returns true if the Service has a ready address of a better tier. */
function isStandby(
  scene: Scene,
  by: By,
  spec: Spec,
  { ip, service, from }: { readonly ip: string; readonly service: string; readonly from: number },
): boolean {
  const tierOf = tierIn(spec, scene.zones.addresses);
  const ready = readyByService(scene.cluster).get(service);
  return [...scene.targets.hosts.keys()].some(
    (other) =>
      tierOf(other) < tierOf(ip) &&
      (ready?.has(other) === true || scene.evidence.heardSince(by, other, from).some(({ ups }) => ups > 0)),
  );
}

function isPrimarySomewhere(scene: Scene, ip: string): boolean {
  const ready = readyByService(scene.cluster);
  return scene.backends.some((backend) =>
    servicesOf(backend, scene.specOf(backend)).some(
      ({ name, role }) => role === 'Primary' && ready.get(name)?.has(ip) === true,
    ),
  );
}
