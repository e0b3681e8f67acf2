import type { Spec } from '../../../src/api/external-backend.ts';
import type { ServiceLike } from '../../engine/histories/wanted.ts';
import type { Change } from '../cluster.ts';
import { servicesOf, type Scene } from '../scene.ts';
import type { CreateRule, Move } from './rule.ts';

type By = NonNullable<Change['by']>;

/**
 * E1, E2: an address leaves a Service only
 *
 * - on a person's word: a spec, in force when the write was decided, does not ask for it there;
 * - on the answer of its name, as this replica received it;
 * - on its own evidence in the writer's term: `failureThreshold` verdicts down in a row, or another role.
 */
export const leavesOnEvidence: CreateRule = (scene, fault) => ({
  written: ({ by }, moves) => {
    if (by === undefined) return;
    for (const move of moves)
      if (!move.isReady && !mayLeave(scene, by, move))
        fault(`${by.replica.identity} took ${move.ip} from ${move.service} without evidence`);
  },
});

function mayLeave(scene: Scene, by: By, { service, ip }: Move): boolean {
  const from = scene.windowFrom(by.sentAt);
  const backend = scene.backendOf(service);
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
    return scene.zones.hasHad(host, ip) && !scene.evidence.hasLost(by, host, ip, from);
  });
}

function isDown(scene: Scene, by: By, spec: Spec, ip: string, from: number): boolean {
  const threshold = spec.probe?.failureThreshold ?? 3;
  return scene.evidence.heardSince(by, ip, from).some(({ downs }) => downs >= threshold);
}

function isOfOtherRole(scene: Scene, by: By, { role }: ServiceLike, ip: string, from: number): boolean {
  if (role === 'Any') return false;
  const heard = scene.evidence.heardSince(by, ip, from);
  if (heard.some((each) => each.role !== undefined && each.role !== role)) return true;
  const others = [...scene.targets.hosts.keys()].filter((other) => other !== ip);
  return (
    role === 'Primary' &&
    others.some((other) => scene.evidence.heardSince(by, other, from).some((each) => each.role === 'Primary'))
  );
}
