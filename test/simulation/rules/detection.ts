import { boundsFor, type SimulatedBounds } from '../bounds.ts';
import type { Need } from '../needs.ts';
import { servicesOf, type Scene } from '../scene.ts';
import type { CreateRule } from './rule.ts';

/** Time in which a term has read its watches again. */
const beginMs = 1_500;

interface Place {
  readonly service: string;
  readonly ip: string;
  text: string;
  since: number;
}

/**
 * E6: undisturbed, an address that must not be ready leaves, and one that must be ready joins, within the
 * bounds of its probe (engine/histories/bounds.ts). The time counts from the latest of: the change outside,
 * the begin of the term, the end of the last disturbance, the last edit.
 */
export const detectsInTime: CreateRule = (scene, fault) => {
  const places = new Map<string, Place>();
  return {
    passes: () => {
      const publishes = scene.publishes();
      for (const backend of scene.backends) look(scene, backend, publishes, places, fault);
    },
  };
};

function look(
  scene: Scene,
  backend: string,
  publishes: ReturnType<Scene['publishes']>,
  places: Map<string, Place>,
  fault: (text: string) => void,
): void {
  const spec = scene.specOf(backend);
  if (spec === undefined || scene.term === undefined) return;
  const bounds = boundsFor(spec);
  const from = Math.max(scene.term.at + beginMs, scene.steadyFrom, scene.editedAt(backend));
  for (const service of servicesOf(backend, spec)) {
    const needOf = scene.needs(backend, service, spec);
    for (const ip of scene.targets.hosts.keys()) {
      const need = needOf(ip);
      const isReady = publishes(service.name, ip, need);
      const place = placeOf(places, service.name, ip, `${need.is} ${need.why} ${isReady}`, scene.now);
      const forMs = scene.now - Math.max(from, seenSince(scene, ip), place.since);
      const late = lateness(need, isReady, forMs - waitMs(scene, ip, bounds), bounds);
      if (late !== undefined) fault(`${ip} is ${late} behind ${service.name}`);
    }
  }
}

/** Returns since when the leader has reached a server that answers; Infinity: it does not. */
function seenSince({ targets, term }: Scene, ip: string): number {
  if ((targets.hosts.get(ip)?.state ?? 'silent') === 'silent' || term === undefined) return 0;
  const { is, since } = targets.path(term.author.replica.index, ip);
  return is ? since : Infinity;
}

/** Time for which an address without an answer remains longer. */
function waitMs({ targets }: Scene, ip: string, { silenceMs }: SimulatedBounds): number {
  const { state = 'silent' } = targets.hosts.get(ip) ?? {};
  return state === 'silent' || state === 'hangs' ? silenceMs : 0;
}

/** Returns what is late, after so many milliseconds; undefined: nothing. */
function lateness({ is, why, isKept }: Need, isReady: boolean, forMs: number, bounds: SimulatedBounds) {
  const boundMs = is === 'in' ? bounds.joinMs : bounds.outMs[why || 'absent'];
  if (is === 'free' || (is === 'in') === isReady || forMs <= boundMs) return undefined;
  const what = is === 'in' ? 'well and not ready' : `${why} and ready${isKept ? ', without a mark,' : ''}`;
  return `${what} for ${Math.round(forMs)} ms (allowed: ${Math.round(boundMs)})`;
}

function placeOf(places: Map<string, Place>, service: string, ip: string, text: string, now: number): Place {
  const key = `${service} ${ip}`;
  const place = places.get(key) ?? { service, ip, text, since: now };
  places.set(key, place);
  if (place.text !== text) Object.assign(place, { text, since: now });
  return place;
}
