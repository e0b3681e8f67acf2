import { publishedByService, type ByService } from '../published.ts';
import type { Scene } from '../scene.ts';
import { departureOf, Departures, isDrainedByWindow, type By } from './departures.ts';
import type { CreateRule, Move } from './rule.ts';

/**
 * Maintenance windows:
 *
 * - Freeze: health takes no address out. An address whose health was known does not join either.
 * - After a Freeze, an address leaves only after `failureThreshold` verdicts since its end.
 * - Drain: the last addresses of a Service do not leave because of a window.
 */
export const keepsToWindows: CreateRule = (scene, fault) => {
  const departures = new Departures(scene);
  let before: ByService = new Map();
  return {
    written: ({ before: old, after, by }, moves) => {
      if ((after ?? old)?.kind !== 'EndpointSlice') return;
      const published = publishedByService(scene.cluster);
      const left = departures.of(by, moves);
      for (const text of by === undefined
        ? []
        : [
            ...left.flatMap(([move, why]) => (why === 'down' ? whyFrozen(scene, by, move) : [])),
            ...moves.flatMap((move) => (move.isReady ? whyNotJoin(scene, by, move) : [])),
            ...emptied(scene, by, before, published),
          ])
        fault(`${by?.replica.identity ?? ''} ${text}`);
      before = published;
    },
  };
};

/** Time from a decision to its write, if nothing is disturbed. */
const decisionMs = 3_000;

/** Returns the begin of the time in which a write was decided. */
const decidedFrom = (scene: Scene, { sentAt }: By): number =>
  sentAt > scene.calmFrom ? sentAt - decisionMs : scene.windowFrom(sentAt);

function whyFrozen(scene: Scene, by: By, { ip, service }: Move): readonly string[] {
  const backend = scene.holderOf(service) ?? '';
  const from = decidedFrom(scene, by);
  if (!scene.hasWindows(backend) || isDrainedByWindow(scene, backend, ip, from)) return [];
  const since = scene.actionsSince(backend, ip, from);
  if (since.every(({ action }) => action === 'Freeze')) return [`took ${ip} from ${service} in a Freeze`];
  const end = endOfFreeze(scene, backend, ip, by.sentAt);
  if (end === undefined || end > by.sentAt) return [];
  const threshold = scene.specOf(backend)?.probe?.failureThreshold ?? 3;
  return scene.editedAt(backend) < end && scene.evidence.mostDowns(by, ip, end) < threshold
    ? [`took ${ip} from ${service} without all verdicts since the Freeze`]
    : [];
}

/** Returns the end of the last Freeze of an address; undefined: there was none. */
function endOfFreeze(scene: Scene, backend: string, ip: string, sentAt: number): number | undefined {
  const spans = scene.actionsSince(backend, ip, 0).filter(({ at }) => at <= sentAt);
  const last = spans.findLastIndex(({ action }) => action === 'Freeze');
  return last < 0 ? undefined : spans[last + 1]?.at;
}

function whyNotJoin(scene: Scene, by: By, { ip, service, wasListed }: Move): readonly string[] {
  const backend = scene.holderOf(service) ?? '';
  const spec = scene.specOf(backend);
  if (!wasListed || spec === undefined || !scene.hasWindows(backend)) return [];
  if (spec.services?.some(({ role }) => role !== 'Any') === true) return [];
  const from = decidedFrom(scene, by);
  const isFrozen = scene.actionsSince(backend, ip, from).every(({ action }) => action === 'Freeze');
  const isOld = scene.specsSince(backend, from).length === 1 && scene.beginOf(by) < from;
  const isKnownDown = scene.evidence.mostDowns(by, ip, -Infinity, from) > 0;
  return isFrozen && isOld && isKnownDown ? [`made ${ip} ready behind ${service} in a Freeze`] : [];
}

function emptied(scene: Scene, by: By, before: ByService, published: ByService): readonly string[] {
  return [...before].flatMap(([service, was]) => {
    if (was.size === 0 || (published.get(service)?.size ?? 0) > 0) return [];
    const reasons = [...was].map((ip) => departureOf(scene, by, { service, ip }));
    return reasons.includes('window') ? [`drained the last address of ${service}`] : [];
  });
}
