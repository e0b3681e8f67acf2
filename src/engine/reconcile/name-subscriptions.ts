import { defaultDns, type Backend } from '../../api/external-backend.ts';
import {
  indexNames,
  indexStatus,
  decodeNames,
  namesFromStatus,
  type PublishedName,
} from '../../core/resolution/names-annotation.ts';
import type { Question } from '../../core/resolution/name-state.ts';
import {
  maxQuestions,
  questionSet,
  questionsOf,
  type NameStateOf,
  type QuestionSet,
} from '../../core/resolution/questions.ts';
import { resolve, type Resolution } from '../../core/resolution/resolve-host.ts';
import { hintQuestion, withHint } from '../../core/resolution/srv-hint.ts';
import { ownedSlices } from './owned-services.ts';
import type { ClusterCache, Resolver } from '../ports.ts';
import type { Clock } from '../../util/clock.ts';

export interface NameSubscriptionOptions {
  readonly clock: Clock;
  readonly cache: ClusterCache;
  readonly resolver: Resolver;
  /** Shortest time between two queries of a name, whatever the specs have. Default: none. */
  readonly minRefreshMs?: number;
}

/**
 * Makes the resolver follow exactly the names of a backend. A name without any state is restored with what was
 * published before this process started.
 */
export function subscribeNames(
  backend: Backend,
  { resolver, cache, minRefreshMs = 0 }: NameSubscriptionOptions,
): void {
  const lookup: NameStateOf = (question) => resolver.state(question);
  const { dns = defaultDns, targets } = backend.spec;
  const bounds = {
    namespace: backend.namespace,
    minMs: Math.max(dns.minRefreshSeconds * 1000, minRefreshMs),
    maxMs: Math.max(dns.maxRefreshSeconds * 1000, minRefreshMs),
  };
  const hosts = targets.map(({ host }) => host);
  const isUnknown = (question: Question): boolean => {
    const { origin, isConfirmedNegative } = lookup(question);
    return origin === 'nothing' && !isConfirmedNegative;
  };
  const hints = hosts.flatMap((host) => hintQuestion(host, backend.spec, lookup) ?? []);
  const subscribe = (): QuestionSet => {
    const set = questionSet(hosts, dns.families, lookup);
    resolver.follow(backend.uid, [...set.questions, ...hints].slice(0, maxQuestions), bounds);
    return set;
  };
  const first = subscribe();
  if (!first.questions.some(isUnknown)) return;
  const publishedNamesOf = publishedBefore(backend, cache);
  const restore = (questions: QuestionSet): void => {
    const isNew = (question: Question): boolean => questions.has(question) && isUnknown(question);
    const unknown = hosts.filter((host) => questionsOf(host, dns.families, lookup).some(isNew));
    for (const { question, records } of unknown.flatMap(publishedNamesOf))
      resolver.restore(question, records);
  };
  restore(first);
  const more = questionSet(hosts, dns.families, lookup);
  if (more.questions.length > first.questions.length) restore(subscribe());
}

/** Returns a lookup of the published records of a host. Slices and status are read once for all hosts. */
function publishedBefore(backend: Backend, cache: ClusterCache): (host: string) => readonly PublishedName[] {
  if (backend.spec.mode === 'ExternalName') {
    const index = indexStatus(backend.status);
    return (host) => namesFromStatus(host, index);
  }
  const index = indexNames(ownedSlices(backend, cache));
  return (host) => decodeNames(host, index);
}

/** Returns a lookup of the current resolutions of a backend's hosts. */
export function resolveWith(
  backend: Backend,
  { resolver, clock }: NameSubscriptionOptions,
): (host: string) => Resolution {
  const { dns = defaultDns, targets } = backend.spec;
  const now = clock.now();
  const lookup: NameStateOf = (question) => resolver.state(question);
  const hosts = targets.map(({ host }) => host);
  const questions = questionSet(hosts, dns.families, lookup);
  return (host) => withHint(resolve(host, dns, lookup, now, questions), host, backend.spec, lookup);
}
