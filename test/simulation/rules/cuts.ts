import type { Spec } from '../../../src/api/external-backend.ts';
import { backendsOfReady } from '../published.ts';
import { type Scene } from '../scene.ts';
import { Departures, isDrainedByWindow, type By } from './departures.ts';
import type { CreateRule, Move } from './rule.ts';

/**
 * A server that was up all the time does not leave because a replica is cut off from it, if
 *
 * - the replica is cut off from most hosts (`core/isolation/isolation.ts`), or
 * - another replica, which is asked, reaches the server.
 *
 * Both must have been so for long enough, and nothing else may be disturbed. A replica that is cut off from few hosts
 * and has nobody to ask removes them: then the network of the hosts is as likely as its own.
 */
export const cutTakesNothing: CreateRule = (scene, fault) => {
  const departures = new Departures(scene);
  return {
    written: ({ by }, moves) => {
      for (const [move, why] of departures.of(by, moves)) {
        const known = by === undefined || why !== 'down' ? undefined : betterKnown(scene, by, move);
        if (known !== undefined)
          fault(`${by?.replica.identity ?? ''} took ${move.ip}, which is up, from ${move.service} ${known}`);
      }
    },
  };
};

/** Clocks of machines differ, and a watch may be late, by this time at most. */
const slackMs = 200;

/** Returns why the replica had to know that its own network had failed. */
function betterKnown(scene: Scene, by: By, { ip, service }: Move): string | undefined {
  if (by.sentAt < scene.steadyFrom || !wasUp(scene, by, ip)) return undefined;
  const backend = scene.holderOf(service) ?? '';
  if (isDrainedByWindow(scene, backend, ip, scene.windowFrom(by.sentAt))) return undefined;
  const { failureThreshold, timeoutMs } = timingOf(scene.specOf(backend));
  const decidedAt = scene.evidence.downSince(by, ip, failureThreshold);
  if (decidedAt === undefined || scene.editedAt(backend) > decidedAt - editMs) return undefined;
  // Other hosts are asked since the run that decided began, and other replicas after it has ended.
  if (isCutOff(scene, by, ip, decidedAt - timeoutMs - slackMs)) return 'while most hosts were silent to it';
  return isReachedByOther(scene, by, ip, decidedAt - slackMs)
    ? 'although another replica reached it'
    : undefined;
}

const timingOf = (spec: Spec | undefined) => ({
  failureThreshold: spec?.probe?.failureThreshold ?? 3,
  timeoutMs: 1_000 * (spec?.probe?.timeoutSeconds ?? 1),
});

/** Returns true if the server was up in all the time in which the write may have been decided. */
function wasUp(scene: Scene, { sentAt }: By, ip: string): boolean {
  const { is, since } = scene.targets.state(ip);
  return is && since <= Math.max(0, scene.windowFrom(sentAt));
}

/** Time in which all replicas have read an edit. */
const editMs = 2_000;

function isCutOff(scene: Scene, { replica: { index } }: By, leaving: string, from: number): boolean {
  const { sharePercent, minHosts, canaries } = scene.history.isolation;
  const ready = backendsOfReady(scene.cluster);
  const silent = [...new Set([...ready.keys(), ...canaries, leaving])].filter((ip) => {
    const { is, since } = scene.targets.path(index, ip);
    return !is && since <= from;
  });
  const answering = [...scene.targets.hosts.keys()].filter((ip) => !silent.includes(ip));
  const backends = new Set(silent.flatMap((ip) => [...(ready.get(ip) ?? (ip === leaving ? [] : [ip]))]));
  const share = (100 * silent.length) / (silent.length + answering.length);
  return silent.length >= minHosts && share >= sharePercent && backends.size >= 2;
}

function isReachedByOther(scene: Scene, { replica: { index } }: By, ip: string, from: number): boolean {
  if (!scene.history.secondOpinion) return false;
  const others = Array.from({ length: scene.history.replicas }, (_, i) => i).filter((i) => i !== index);
  return others.some((other) => {
    const { is, since } = scene.targets.path(other, ip);
    return is && since <= from;
  });
}
