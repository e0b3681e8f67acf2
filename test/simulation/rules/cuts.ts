import { backendsOfReady } from '../published.ts';
import { type Scene } from '../scene.ts';
import { Departures, type By } from './departures.ts';
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

/** Time in which a replica notices that most hosts are silent: two timeouts, and what is asked in between. */
const noticeMs = 5_000;
/** Time of a question to another replica. */
const questionMs = 4_000;

/** Returns why the replica had to know that its own network had failed. */
function betterKnown(scene: Scene, by: By, { ip, service }: Move): string | undefined {
  if (by.sentAt < scene.steadyFrom) return undefined;
  const server = scene.targets.state(ip);
  if (!server.is || server.since > Math.max(0, scene.windowFrom(by.sentAt))) return undefined;
  if (isCutOff(scene, by, ip)) return 'while most hosts were silent to it';
  return isSeen(scene, by, ip, service) ? 'although another replica reached it' : undefined;
}

function isCutOff(scene: Scene, { replica: { index }, sentAt }: By, leaving: string): boolean {
  const { sharePercent, minHosts, canaries } = scene.history.isolation;
  const ready = backendsOfReady(scene.cluster);
  const silent = [...new Set([...ready.keys(), ...canaries, leaving])].filter((ip) => {
    const { is, since } = scene.targets.path(index, ip);
    return !is && since <= sentAt - noticeMs;
  });
  const answering = [...scene.targets.hosts.keys()].filter((ip) => scene.targets.path(index, ip).is);
  const backends = new Set(silent.flatMap((ip) => [...(ready.get(ip) ?? (ip === leaving ? [] : [ip]))]));
  const share = (100 * silent.length) / (silent.length + answering.length);
  return silent.length >= minHosts && share >= sharePercent && backends.size >= 2;
}

function isSeen(scene: Scene, { replica: { index }, sentAt }: By, ip: string, service: string): boolean {
  if (!scene.history.secondOpinion) return false;
  if (scene.editedAt(scene.holderOf(service) ?? '') > sentAt - questionMs) return false;
  const others = Array.from({ length: scene.history.replicas }, (_, i) => i).filter((i) => i !== index);
  return others.some((other) => {
    const { is, since } = scene.targets.path(other, ip);
    return is && since <= sentAt - questionMs;
  });
}
