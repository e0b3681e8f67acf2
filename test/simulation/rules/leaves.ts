import type { Spec } from '../../../src/api/external-backend.ts';
import type { ServiceLike } from '../../engine/histories/wanted.ts';
import type { Change } from '../cluster.ts';
import { readyByService, servicesOf, termOf, type Scene } from '../scene.ts';
import type { CreateRule, Move } from './rule.ts';

type By = NonNullable<Change['by']>;

/**
 * E1, E2: an address leaves a Service only
 *
 * - on a person's word: a spec, in force when the write was decided, does not ask for it there;
 * - on the answer of its name, as this replica received it;
 * - on its own evidence in the writer's term: `failureThreshold` verdicts down in a row, or another role;
 * - when it is not ready there for another port, or a Service of role Primary leads to it, or a late write of a former leader added it: the slices that the term
 *   began with count.
 */
export const leavesOnEvidence: CreateRule = (scene, fault) => {
  const late = new Map<string, Change['by']>();
  return {
    written: ({ by }, moves) => {
      for (const move of moves) {
        const key = `${move.service} ${move.ip}`;
        if (move.isReady) late.set(key, by);
        else if (
          by !== undefined &&
          !move.wasListed &&
          !isLate(scene, by, late.get(key)) &&
          !mayLeave(scene, by, move)
        )
          fault(`${by.replica.identity} took ${move.ip} from ${move.service} without evidence`);
      }
    },
  };
};

/** Returns true if a write of another term was sent before this term began, and may have arrived after that. */
const isLate = (scene: Scene, by: By, added: Change['by']): boolean =>
  added !== undefined && termOf(added) !== termOf(by) && added.arrivedAt >= scene.beginOf(by);

function mayLeave(scene: Scene, by: By, { service, ip }: Move): boolean {
  const from = scene.windowFrom(by.sentAt);
  const backend = scene.holderOf(service);
  if (backend === undefined) return true;
  return scene.specsSince(backend, from).some((spec) => {
    const of = servicesOf(backend, spec).find(({ name }) => name === service);
    if (spec === undefined || of === undefined || !isAskedFor(scene, by, spec, ip, from)) return true;
    return isDown(scene, by, spec, ip, from) || isOfOtherRole(scene, by, of, ip, from);
  });
}

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

function isDown(scene: Scene, by: By, spec: Spec, ip: string, from: number): boolean {
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

function isPrimarySomewhere(scene: Scene, ip: string): boolean {
  const ready = readyByService(scene.cluster);
  return scene.backends.some((backend) =>
    servicesOf(backend, scene.specOf(backend)).some(
      ({ name, role }) => role === 'Primary' && ready.get(name)?.has(ip) === true,
    ),
  );
}
