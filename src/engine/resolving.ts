import { defaultDns, type Backend } from '../api/external-backend.ts';
import {
  indexNames,
  indexStatus,
  publishedNames,
  reportedNames,
  type PublishedName,
} from '../core/attribution.ts';
import type { Question } from '../core/names.ts';
import { questionsOf, resolve, type Lookup, type Resolution } from '../core/resolve.ts';
import { hintQuestion, withHint } from '../core/srv-hint.ts';
import { ownSlices } from './own-slices.ts';
import type { Clock, ClusterView, Resolver } from './ports.ts';

export interface ResolvingOptions {
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly resolver: Resolver;
  /** Shortest time between two queries of a name, whatever the specs have. Default: none. */
  readonly minRefreshMs?: number;
}

/**
 * Makes the resolver follow exactly the names of a backend. A name of which nothing is known yet begins with what was
 * published before this process began.
 */
export function follow(backend: Backend, { resolver, view, minRefreshMs = 0 }: ResolvingOptions): void {
  const lookup: Lookup = (question) => resolver.state(question);
  const { dns = defaultDns, targets } = backend.spec;
  const bounds = {
    namespace: backend.namespace,
    minMs: Math.max(dns.minRefreshSeconds * 1000, minRefreshMs),
    maxMs: Math.max(dns.maxRefreshSeconds * 1000, minRefreshMs),
  };
  const questionsOfHost = (host: string): readonly Question[] => questionsOf(host, dns.families, lookup);
  const all = (): readonly Question[] => targets.flatMap(({ host }) => questionsOfHost(host));
  const isUnknown = (question: Question): boolean => {
    const { origin, gone } = lookup(question);
    return origin === 'nothing' && !gone;
  };
  const hints = targets.flatMap(({ host }) => hintQuestion(host, backend.spec, lookup) ?? []);
  const questions = all();
  resolver.follow(backend.uid, [...questions, ...hints], bounds);
  if (!questions.some(isUnknown)) return;
  const before = publishedBefore(backend, view);
  const seed = (): void => {
    const hosts = targets.map(({ host }) => host).filter((host) => questionsOfHost(host).some(isUnknown));
    for (const { question, records } of hosts.flatMap(before)) resolver.seed(question, records);
  };
  seed();
  const more = all();
  if (more.length === questions.length) return;
  resolver.follow(backend.uid, [...more, ...hints], bounds);
  seed();
}

/** Returns a look-up of what was published for a host. Slices and status are read once for all hosts. */
function publishedBefore(backend: Backend, view: ClusterView): (host: string) => readonly PublishedName[] {
  if (backend.spec.mode === 'ExternalName') {
    const index = indexStatus(backend.status);
    return (host) => reportedNames(host, index);
  }
  const index = indexNames(ownSlices(backend, view));
  return (host) => publishedNames(host, index);
}

/** What the hosts of a backend mean now. */
export function resolverOf(
  backend: Backend,
  { resolver, clock }: ResolvingOptions,
): (host: string) => Resolution {
  const { dns = defaultDns } = backend.spec;
  const now = clock.now();
  const lookup: Lookup = (question) => resolver.state(question);
  return (host) => withHint(resolve(host, dns, lookup, now), host, backend.spec, lookup);
}
