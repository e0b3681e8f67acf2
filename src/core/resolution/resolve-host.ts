import { parseIp } from '../../api/ip.ts';
import { isServiceRecord } from '../../api/host.ts';
import type { Dns } from '../../api/dns.ts';
import type { Question } from './name-state.ts';
import {
  addressQuestions,
  normalizeName,
  recordQuestion,
  unqueriedTexts,
  type NameStateOf,
  type QuestionSet,
} from './questions.ts';
import { resolutionStates, stateIs, type ResolutionState } from './resolution-states.ts';
import { byPriority, type ServiceRecord } from './srv-records.ts';
import { effectiveRecords, type EffectiveRecords } from './effective-records.ts';

/** One address of a host. */
export interface HostAddress {
  readonly ip: string;
  /** Server name that a probe uses in SNI, in the Host header, and to verify the certificate. */
  readonly host: string;
  /** Removed from the answer, and kept only as long as it is healthy. */
  readonly kept: boolean;
  /** The SRV record that named the host. */
  readonly record?: ServiceRecord;
}

/** Addresses of a host now, and why these. */
export interface Resolution {
  readonly addresses: readonly HostAddress[];
  /** Undefined for a literal address, which needs no query. */
  readonly state: ResolutionState | undefined;
  /** Wall-clock milliseconds. */
  readonly resolvedWall: number | undefined;
  readonly error: string | undefined;
  /** Monotonic milliseconds at which it changes because time passes; undefined: never. */
  readonly nextAt: number | undefined;
  /** Texts about queries of the host that are not made. */
  readonly unqueried?: readonly string[];
}

/** All queries, if there is no limit. */
const everything: Pick<QuestionSet, 'has'> = { has: () => true };

/**
 * Returns the addresses of a host, from the states of its queries.
 *
 * @param now monotonic milliseconds
 * @param queried queries of the backend; the results of other queries do not count
 */
export function resolve(
  host: string,
  dns: Dns,
  lookup: NameStateOf,
  now: number,
  queried: Pick<QuestionSet, 'has'> = everything,
): Resolution {
  const ip = parseIp(host);
  if (ip !== undefined) return literal(ip.text);
  const recordsOf: RecordsOf = (question) =>
    effectiveRecords(
      lookup(question),
      { staleMs: dns.staleSeconds * 1000, keepMs: dns.keepSeconds * 1000 },
      now,
    );
  const context: ResolveContext = {
    recordsOf,
    questionsOf: (name) => addressQuestions(name, dns.families).filter(queried.has),
  };
  const resolution = isServiceRecord(host)
    ? services(host, context)
    : addresses(normalizeName(host), context);
  const unqueried = unqueriedTexts(host, dns.families, lookup, queried);
  return unqueried.length > 0 ? { ...resolution, unqueried } : resolution;
}

interface ResolveContext {
  readonly recordsOf: RecordsOf;
  /** Queries for the addresses of a name. */
  readonly questionsOf: (name: string) => readonly Question[];
}

type RecordsOf = (question: Question) => EffectiveRecords;

const literal = (ip: string): Resolution => ({
  addresses: [{ ip, host: ip, kept: false }],
  state: undefined,
  resolvedWall: undefined,
  error: undefined,
  nextAt: undefined,
});

interface Part extends Pick<Resolution, 'state' | 'resolvedWall' | 'error' | 'nextAt'> {
  readonly holds: boolean;
  readonly state: ResolutionState;
}

function addresses(name: string, { recordsOf, questionsOf }: ResolveContext): Resolution {
  const parts = questionsOf(name).map((question) => ({ question, ...recordsOf(question) }));
  const of = (ips: readonly string[], kept: boolean): readonly HostAddress[] =>
    ips.toSorted().map((ip) => ({ ip, host: name, kept }));
  return {
    addresses: parts.flatMap((part) => [...of(part.addresses, false), ...of(part.kept, true)]),
    ...combineResolutions(
      parts.map(({ question, error, ...part }) => ({
        ...part,
        holds: part.addresses.length > 0,
        error: error && `${question.type}: ${error}`,
      })),
    ),
  };
}

function services(host: string, context: ResolveContext): Resolution {
  const record = context.recordsOf(recordQuestion(host));
  const hosts = record.services
    .filter((service) => context.questionsOf(service.host).length > 0)
    .toSorted(byPriority)
    .map((service) => ({ service, ...addresses(service.host, context) }));
  const parts: readonly Part[] = [
    { ...record, holds: record.services.length > 0, error: record.error && `SRV: ${record.error}` },
    ...hosts.map(({ service, error, state = 'Pending', ...part }) => ({
      ...part,
      state,
      // The state of every host counts: a host that is not resolved must be reported.
      holds: true,
      error: error && `${service.host} ${error}`,
    })),
  ];
  return {
    addresses: hosts.flatMap(({ service, addresses: ips }) =>
      ips.map((each) => ({ ...each, record: service })),
    ),
    ...combineResolutions(parts),
  };
}

/**
 * Combines several queries into one result:
 *
 * | queries with records | the state is the worst of | errors reported                         |
 * |----------------------|---------------------------|-----------------------------------------|
 * | none                 | all                       | all                                     |
 * | some                 | these                     | all, except that a family has no record |
 */
function combineResolutions(parts: readonly Part[]): Omit<Resolution, 'addresses'> {
  const holding = parts.filter(({ holds }) => holds);
  const counted = holding.length > 0 ? holding : parts;
  const errors = parts
    .filter(({ holds, state }) => holds || holding.length === 0 || stateIs(state, 'unanswered'))
    .flatMap(({ error }) => error ?? []);
  const walls = counted.flatMap(({ resolvedWall }) => resolvedWall ?? []);
  const nexts = parts.flatMap(({ nextAt }) => nextAt ?? []);
  return {
    state: resolutionStates.find((state) => counted.some((part) => part.state === state)),
    resolvedWall: walls.length > 0 ? Math.max(...walls) : undefined,
    error: errors.length > 0 ? [...new Set(errors)].join('; ') : undefined,
    nextAt: nexts.length > 0 ? Math.min(...nexts) : undefined,
  };
}
