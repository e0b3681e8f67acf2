import type { Scene } from '../scene.ts';
import type { CreateRule } from './rule.ts';

/** Time in which the end of an isolation is noticed: the hosts are asked every 2 s, and answer at once. */
const endsMs = 4_500;
/**
 * Time in which another replica leads: it is asked at the begin of an isolation, after one other question, and then every 10 s
 * at least.
 */
const yieldsMs = { atBegin: 7_000, later: 16_000 };
/** Time in which the status follows the end of an isolation. */
const followsMs = 2_000;
/** Hosts that were silent within this time may have been the reason. */
const reasonMs = 12_000;

/**
 * A replica is isolated only if enough hosts are silent to it. It is not isolated any more soon after all answer. If another
 * replica reaches all hosts meanwhile, that one leads.
 */
export const isolationOnEvidence: CreateRule = (scene, fault) => {
  let since: { readonly of: string; readonly at: number } | undefined;
  let lastAt = -Infinity;
  return {
    isSettled: () => !scene.isIsolated && scene.now - lastAt > followsMs,
    passes: () => {
      const replica = scene.term?.author.replica;
      if (replica?.engine.isIsolated !== true) {
        since = undefined;
        return;
      }
      lastAt = scene.now;
      if (since?.of !== replica.identity) since = { of: replica.identity, at: scene.now };
      const why = whyNot(scene, replica.index, since.at);
      if (why !== undefined) fault(`${replica.identity} is isolated ${why}`);
    },
  };
};

function whyNot(scene: Scene, index: number, since: number): string | undefined {
  const { targets, history, now } = scene;
  const ips = [...targets.hosts.keys()];
  const paths = ips.map((ip) => targets.path(index, ip));
  const silent = paths.filter((path) => !path.is || path.since >= now - reasonMs);
  if (since === now && silent.length < history.isolation.minHosts)
    return `although ${silent.length} hosts were silent to it`;
  const from = Math.max(since, scene.steadyFrom, ...paths.map((path) => path.since));
  if (paths.every(({ is }) => is) && now - from > endsMs) return 'although all hosts answer it';
  return history.secondOpinion && isOutseen(scene, index, since)
    ? 'and leads, although another replica reaches all hosts'
    : undefined;
}

function isOutseen({ targets, history, now, steadyFrom }: Scene, index: number, since: number): boolean {
  const others = Array.from({ length: history.replicas }, (_, i) => i).filter((i) => i !== index);
  return others.some((other) => {
    const ips = [...targets.hosts.keys()];
    // A server that hangs is no answer in time.
    const paths = ips.flatMap((ip) => [targets.path(other, ip), targets.state(ip)]);
    const from = Math.max(since, steadyFrom, ...paths.map((path) => path.since));
    return paths.every(({ is }) => is) && now - from > (from === since ? yieldsMs.atBegin : yieldsMs.later);
  });
}
