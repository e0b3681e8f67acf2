import type { Spec } from '../../../src/api/external-backend.ts';
import type { Bounds } from '../../engine/histories/bounds.ts';
import type { Wanted } from '../../engine/histories/wanted.ts';
import { boundsFor, readyByService, servicesOf, type Scene } from '../scene.ts';
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
      const ready = readyByService(scene.cluster);
      for (const backend of scene.backends) look(scene, backend, ready, places, fault);
    },
  };
};

function look(
  scene: Scene,
  backend: string,
  ready: ReadonlyMap<string, ReadonlySet<string>>,
  places: Map<string, Place>,
  fault: (text: string) => void,
): void {
  const spec = scene.specOf(backend);
  if (spec === undefined || scene.term === undefined) return;
  const bounds = boundsFor(spec);
  const from = Math.max(scene.term.at + beginMs, scene.steadyFrom, scene.editedAt(backend));
  for (const service of servicesOf(backend, spec))
    for (const ip of scene.targets.hosts.keys()) {
      const wanted = scene.wanted(ip, service, spec);
      const isReady = ready.get(service.name)?.has(ip) === true;
      const text = `${wanted.is} ${wanted.why} ${isReady}`;
      const place = placeOf(places, service.name, ip, text, scene.now);
      const seenFrom = seenSince(scene, ip);
      const forMs = scene.now - Math.max(from, seenFrom, place.since) - silenceMs(scene, ip, spec);
      const late = lateness(wanted, isReady, forMs, bounds);
      if (late !== undefined) fault(`${ip} is ${late} behind ${service.name}`);
    }
}

/** Returns since when the leader has reached a server that answers; Infinity: it does not. */
function seenSince({ targets, term }: Scene, ip: string): number {
  if ((targets.hosts.get(ip)?.state ?? 'silent') === 'silent' || term === undefined) return 0;
  const { is, since } = targets.path(term.author.replica.index, ip);
  return is ? since : Infinity;
}

/** Time for which an address without an answer remains, because other hosts and other replicas are asked. */
function silenceMs({ targets }: Scene, ip: string, { probe }: Spec): number {
  const { state = 'silent' } = targets.hosts.get(ip) ?? {};
  if (state === 'up' || state === 'refuses') return 0;
  const timeoutMs = (probe?.timeoutSeconds ?? 1) * 1000;
  const hosts = timeoutMs + 1_000;
  // A question that is under way may be about another address, and each waits for half a second more.
  return hosts + 2 * (timeoutMs + 500);
}

/** Returns what is late, after so many milliseconds; undefined: nothing. */
function lateness({ is, why }: Wanted, isReady: boolean, forMs: number, { joinMs, outMs }: Bounds) {
  const boundMs = is === 'in' ? joinMs : outMs[why || 'absent'];
  if (is === 'free' || (is === 'in') === isReady || forMs <= boundMs) return undefined;
  const what = is === 'in' ? 'well and not ready' : `${why} and ready`;
  return `${what} for ${Math.round(forMs)} ms (allowed: ${Math.round(boundMs)})`;
}

function placeOf(places: Map<string, Place>, service: string, ip: string, text: string, now: number): Place {
  const key = `${service} ${ip}`;
  const place = places.get(key) ?? { service, ip, text, since: now };
  places.set(key, place);
  if (place.text !== text) Object.assign(place, { text, since: now });
  return place;
}
