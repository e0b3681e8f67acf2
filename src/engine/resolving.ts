import { defaultDns, type Backend } from '../api/external-backend.ts';
import { publishedNames, saidNames, type PublishedName } from '../core/attribution.ts';
import type { Question } from '../core/names.ts';
import { questionsOf, resolve, type Lookup, type Resolution } from '../core/resolve.ts';
import { ownSlices } from './own-slices.ts';
import type { Clock, ClusterView, Resolver } from './ports.ts';

export interface ResolvingOptions {
  readonly clock: Clock;
  readonly view: ClusterView;
  readonly resolver: Resolver;
}

/**
 * Sees to it that exactly the names of a backend are followed. A name of which nothing is known yet begins with what was
 * published before this process began.
 */
export function follow(backend: Backend, { resolver, view }: ResolvingOptions): void {
  const lookup: Lookup = (question) => resolver.state(question);
  const { dns = defaultDns, targets } = backend.spec;
  const bounds = { minMs: dns.minRefreshSeconds * 1000, maxMs: dns.maxRefreshSeconds * 1000 };
  const all = (): readonly Question[] =>
    targets.flatMap(({ host }) => questionsOf(host, dns.families, lookup));
  const questions = all();
  resolver.follow(backend.uid, questions, bounds);
  if (!questions.map(lookup).some(({ origin, gone }) => origin === 'nothing' && !gone)) return;
  for (const { question, records } of before(backend, view)) resolver.seed(question, records);
  const more = all();
  if (more.length > questions.length) {
    resolver.follow(backend.uid, more, bounds);
    for (const { question, records } of before(backend, view)) resolver.seed(question, records);
  }
}

function before(backend: Backend, view: ClusterView): readonly PublishedName[] {
  const { mode, targets } = backend.spec;
  if (mode === 'ExternalName') return targets.flatMap(({ host }) => saidNames(host, backend.status));
  const slices = ownSlices(backend, view);
  return targets.flatMap(({ host }) => publishedNames(host, slices));
}

/** What the hosts of a backend mean now. */
export function resolverOf(
  backend: Backend,
  { resolver, clock }: ResolvingOptions,
): (host: string) => Resolution {
  const { dns = defaultDns } = backend.spec;
  const now = clock.now();
  return (host) => resolve(host, dns, (question) => resolver.state(question), now);
}
