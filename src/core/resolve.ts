import { parseIp } from '../api/ip.ts';
import { isServiceRecord } from '../api/host.ts';
import type { Dns } from '../api/dns.ts';
import type { ResolutionRule } from '../api/status.ts';
import type { NameState, Question, ServiceRecord } from './names.ts';
import { standing, type Standing } from './standing.ts';

/** One address that a host gives. */
export interface HostAddress {
  readonly ip: string;
  /** Server name: what a probe says in SNI, Host and to certificates. */
  readonly host: string;
  /** Left the answer, and stays only as long as it is healthy. */
  readonly kept: boolean;
  /** The SRV record that led here. */
  readonly record?: ServiceRecord;
}

/** What a host means now. */
export interface Resolution {
  readonly addresses: readonly HostAddress[];
  /** Undefined: a literal address, which answers itself. */
  readonly rule: ResolutionRule | undefined;
  /** Wall milliseconds. */
  readonly resolvedWall: number | undefined;
  readonly error: string | undefined;
  /** When it changes by the mere passing of time, monotonic. */
  readonly nextAt: number | undefined;
}

/** `nothingKnown` for what was never asked. */
export type Lookup = (question: Question) => NameState;

/** Names are the same in any case, with and without the trailing dot; `db.` alone keeps it, for it is not `db`. */
export function nameOf(host: string): string {
  const name = host.toLowerCase();
  return name.indexOf('.') === name.length - 1 ? name : name.replace(/\.$/, '');
}

const types = { IPv4: 'A', IPv6: 'AAAA' } as const;

const addressQuestions = (name: string, families: Dns['families']): readonly Question[] =>
  families.map((family) => ({ name, type: types[family] }));

/** All that must be asked to know a host, as far as it is known by now: the hosts of an SRV record come with its answer. */
export function questionsOf(host: string, families: Dns['families'], lookup: Lookup): readonly Question[] {
  if (parseIp(host) !== undefined) return [];
  const name = nameOf(host);
  if (!isServiceRecord(host)) return addressQuestions(name, families);
  const record: Question = { name, type: 'SRV' };
  const hosts = lookup(record).services.map((service) => service.host);
  return [record, ...[...new Set(hosts)].flatMap((each) => addressQuestions(each, families))];
}

/** @param now monotonic milliseconds */
export function resolve(host: string, dns: Dns, lookup: Lookup, now: number): Resolution {
  const ip = parseIp(host);
  if (ip !== undefined) return literal(ip.text);
  const stand: Stand = (question) =>
    standing(lookup(question), { staleMs: dns.staleSeconds * 1000, keepMs: dns.keepSeconds * 1000 }, now);
  const name = nameOf(host);
  return isServiceRecord(host) ? services(name, dns.families, stand) : addresses(name, dns.families, stand);
}

type Stand = (question: Question) => Standing;

const literal = (ip: string): Resolution => ({
  addresses: [{ ip, host: ip, kept: false }],
  rule: undefined,
  resolvedWall: undefined,
  error: undefined,
  nextAt: undefined,
});

interface Part extends Pick<Resolution, 'rule' | 'resolvedWall' | 'error' | 'nextAt'> {
  readonly holds: boolean;
  readonly rule: ResolutionRule;
}

function addresses(name: string, families: Dns['families'], stand: Stand): Resolution {
  const parts = addressQuestions(name, families).map((question) => ({ question, ...stand(question) }));
  const of = (ips: readonly string[], kept: boolean): readonly HostAddress[] =>
    ips.toSorted().map((ip) => ({ ip, host: name, kept }));
  return {
    addresses: parts.flatMap((part) => [...of(part.addresses, false), ...of(part.kept, true)]),
    ...joined(
      parts.map(({ question, error, ...part }) => ({
        ...part,
        holds: part.addresses.length > 0,
        error: error && `${question.type}: ${error}`,
      })),
    ),
  };
}

function services(name: string, families: Dns['families'], stand: Stand): Resolution {
  const record = stand({ name, type: 'SRV' });
  const hosts = record.services.toSorted(byPriority).map((service) => ({
    service,
    ...addresses(service.host, families, stand),
  }));
  const parts: readonly Part[] = [
    { ...record, holds: record.services.length > 0, error: record.error && `SRV: ${record.error}` },
    ...hosts.map(({ service, error, rule = 'Pending', ...part }) => ({
      ...part,
      rule,
      // The rule of every host counts: one that is not known is news.
      holds: true,
      error: error && `${service.host} ${error}`,
    })),
  ];
  return {
    addresses: hosts.flatMap(({ service, addresses: ips }) =>
      ips.map((each) => ({ ...each, record: service })),
    ),
    ...joined(parts),
  };
}

/** Servers rotate their answers: the same records give the same list. */
const byPriority = (a: ServiceRecord, b: ServiceRecord): number =>
  a.priority - b.priority || (a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port);

/** The worst first: what holds by a worse rule is what must be told. */
const rank: readonly ResolutionRule[] = [
  'Pending',
  'Failed',
  'Expired',
  'Stale',
  'Doubted',
  'Published',
  'NoSuchName',
  'NoAddress',
  'Answered',
];

/**
 * Several questions as one:
 *
 * | questions that hold records | the rule is the worst of | errors told                                     |
 * |-----------------------------|--------------------------|-------------------------------------------------|
 * | none                        | all                      | all                                             |
 * | some                        | these                    | all, but that there is no record of a family    |
 */
function joined(parts: readonly Part[]): Omit<Resolution, 'addresses'> {
  const holding = parts.filter(({ holds }) => holds);
  const counted = holding.length > 0 ? holding : parts;
  const errors = parts
    .filter(({ holds, rule }) => holds || holding.length === 0 || rule === 'Failed' || rule === 'Expired')
    .flatMap(({ error }) => error ?? []);
  const walls = counted.flatMap(({ resolvedWall }) => resolvedWall ?? []);
  const nexts = parts.flatMap(({ nextAt }) => nextAt ?? []);
  return {
    rule: rank.find((rule) => counted.some((part) => part.rule === rule)),
    resolvedWall: walls.length > 0 ? Math.max(...walls) : undefined,
    error: errors.length > 0 ? [...new Set(errors)].join('; ') : undefined,
    nextAt: nexts.length > 0 ? Math.min(...nexts) : undefined,
  };
}
