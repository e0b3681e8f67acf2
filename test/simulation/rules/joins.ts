import type { Change } from '../cluster.ts';
import type { Heard } from '../evidence.ts';
import { servicesOf, type Scene } from '../scene.ts';
import type { CreateRule, Move } from './rule.ts';

/**
 * An address that was ready nowhere, or was not ready in this Service, becomes ready only after a success in the
 * writer's own term, and in a Service of role Primary only if it reported that role or was in its slices.
 */
export const joinsOnEvidence: CreateRule = (scene, fault) => ({
  written: ({ by }, moves) => {
    if (by === undefined) return;
    for (const move of moves) {
      const why = move.isReady ? whyNot(scene, by, move) : undefined;
      if (why !== undefined)
        fault(`${by.replica.identity} made ${move.ip} ready behind ${move.service} ${why}`);
    }
  },
});

function whyNot(scene: Scene, by: NonNullable<Change['by']>, move: Move): string | undefined {
  const { service, ip, wasReady, wasListed } = move;
  if (wasReady && !wasListed) return undefined;
  const backend = scene.holderOf(service) ?? '';
  const spec = scene.specOf(backend);
  const heard = scene.evidence.heardSince(by, ip, scene.windowFrom(by.sentAt));
  const threshold = spec?.probe?.failureThreshold ?? 3;
  // While most hosts are silent, a silent address remains as it was. Verdicts in a Freeze do not count after it.
  const isHeld = scene.isIsolated || wasFrozen(scene, backend, ip, by.sentAt);
  const counts = ({ hadUp, downs }: Heard): boolean => hadUp && (downs < threshold || isHeld);
  if (!heard.some(counts)) return 'without a success in its term';
  const isPrimary = servicesOf(backend, spec).some(
    ({ name, role }) => name === service && role === 'Primary',
  );
  const isKnown = wasListed || heard.some(({ role }) => role === 'Primary');
  return isPrimary && !isKnown ? 'and it is no primary' : undefined;
}

/** Time after a Freeze in which the next verdicts decide. */
const thawMs = 10_000;

const wasFrozen = (scene: Scene, backend: string, ip: string, sentAt: number): boolean =>
  scene.hasWindows(backend) &&
  scene.actionsSince(backend, ip, sentAt - thawMs).some(({ action }) => action === 'Freeze');
