import type { Spec } from '../../../src/api/external-backend.ts';
import { boundsFor } from '../bounds.ts';
import { tierIn } from '../needs.ts';
import type { Scene } from '../scene.ts';
import { departureOf, isDown, isDrainedByWindow, type By } from './departures.ts';
import type { CreateRule, Move } from './rule.ts';

/** Clocks of machines differ by a hundredth. */
const rate = 0.97;

/**
 * A Service goes back to a better tier only when an address of that tier has been ready for `failbackSeconds`, as the writer
 * could see it in its own term. Known limit: an address whose verdict waits, because others are asked about it, is ready until then. If all addresses that it uses fail or leave, it goes at once.
 */
export const failsBackInTime: CreateRule = (scene, fault) => ({
  written: ({ by }, moves) => {
    if (by === undefined) return;
    for (const move of moves)
      if (move.isReady && isTooEarly(scene, by, move))
        fault(`${by.replica.identity} went back to ${move.ip} behind ${move.service} too early`);
  },
});

function isTooEarly(scene: Scene, by: By, move: Move): boolean {
  const specs = scene.specsSince(scene.holderOf(move.service) ?? '', scene.windowFrom(by.sentAt));
  return specs.length > 0 && specs.every((spec) => spec !== undefined && isTooEarlyIn(scene, by, move, spec));
}

function isTooEarlyIn(scene: Scene, by: By, { ip, service, readyBefore }: Move, spec: Spec): boolean {
  const tierOf = tierIn(spec, scene.zones.addresses);
  const from = scene.windowFrom(by.sentAt);
  const backend = scene.holderOf(service) ?? '';
  const used = [...readyBefore].filter(
    (other) =>
      Number.isFinite(tierOf(other)) &&
      !isDrainedByWindow(scene, backend, other, from) &&
      departureOf(scene, by, { service, ip: other }) === 'standby' &&
      !isDown(scene, by, spec, other, from),
  );
  if (used.length === 0 || [...readyBefore].some((other) => tierOf(other) <= tierOf(ip))) return false;
  const tier = [...scene.targets.hosts.keys()].filter((other) => tierOf(other) === tierOf(ip));
  const since = Math.min(...tier.map((other) => wellSince(scene, by, other, spec)));
  return by.sentAt - since < rate * 1_000 * spec.failbackSeconds;
}

/**
 * Returns since when no check of the address has failed as often as its threshold in the term of the writer; Infinity: one has,
 * and has not succeeded since.
 */
function wellSince(scene: Scene, by: By, ip: string, spec: Spec): number {
  const threshold = spec.probe?.failureThreshold ?? 3;
  const { silenceMs } = boundsFor(spec);
  // The term may have begun with the address as ready.
  let since = scene.beginOf(by);
  for (const { at, ups, downs } of scene.evidence.heardSince(by, ip, -Infinity)) {
    if (ups > 0) since = Math.min(since, at);
    if (downs >= threshold && at <= by.sentAt - silenceMs) since = Infinity;
  }
  return since;
}
