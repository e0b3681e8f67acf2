import { isServiceRecord } from '../../api/host.ts';
import { parseIp } from '../../api/ip.ts';
import type { Dns } from '../../api/dns.ts';
import { questionKey, type NameState, type Question } from './name-state.ts';
import { byPriority, maxServiceHosts, maxServiceRecords } from './srv-records.ts';

/** Looks up the state of a query; `nothingKnown` if it was never made. */
export type NameStateOf = (question: Question) => NameState;

/**
 * Normalises a host name: lower case, without the trailing dot. Only `db.` keeps it, because it is not the
 * same as `db`.
 */
export function normalizeName(host: string): string {
  const name = host.toLowerCase();
  return name.indexOf('.') === name.length - 1 ? name : name.replace(/\.$/, '');
}

const types = { IPv4: 'A', IPv6: 'AAAA' } as const;

export const addressQuestions = (name: string, families: Dns['families']): readonly Question[] =>
  families.map((family) => ({ name, type: types[family] }));

export const recordQuestion = (host: string): Question => ({ name: normalizeName(host), type: 'SRV' });

/** Returns the hosts of an SRV record, each once, in the order in which they are queried. */
const serviceHosts = (host: string, lookup: NameStateOf): readonly string[] => [
  ...new Set(
    lookup(recordQuestion(host))
      .services.toSorted(byPriority)
      .map((service) => service.host),
  ),
];

/** Returns all queries that resolve a host, as far as they are known by now. */
export function questionsOf(
  host: string,
  families: Dns['families'],
  lookup: NameStateOf,
): readonly Question[] {
  if (parseIp(host) !== undefined) return [];
  if (!isServiceRecord(host)) return addressQuestions(normalizeName(host), families);
  const hosts = serviceHosts(host, lookup);
  return [recordQuestion(host), ...hosts.flatMap((each) => addressQuestions(each, families))];
}

/** Highest number of queries of one backend. */
export const maxQuestions = 512;

/** The queries of one backend. */
export interface QuestionSet {
  readonly questions: readonly Question[];
  readonly has: (question: Question) => boolean;
}

/**
 * Returns the queries that resolve the hosts of a backend, as far as they are known by now: the hosts of an
 * SRV record are known from its answer. Each query once, in this order, until there are `maxQuestions`:
 *
 * | turn | queries                                       |
 * |------|-----------------------------------------------|
 * | 1    | for each host its SRV record, or the records of the first family |
 * | 2    | for each host the records of the other family |
 * | 3    | for each SRV record its first host, by priority and name; then for each its second host, and so on |
 *
 * So every name of the spec is queried, and the queries depend only on the spec and the answers.
 */
export function questionSet(
  hosts: readonly string[],
  families: Dns['families'],
  lookup: NameStateOf,
): QuestionSet {
  const chosen = new Map<string, Question>();
  for (const question of inOrder(hosts, families, lookup)) {
    if (chosen.size >= maxQuestions) break;
    chosen.set(questionKey(question), question);
  }
  return { questions: [...chosen.values()], has: (question) => chosen.has(questionKey(question)) };
}

function* inOrder(
  hosts: readonly string[],
  families: Dns['families'],
  lookup: NameStateOf,
): Generator<Question> {
  const names = hosts.filter((host) => parseIp(host) === undefined);
  const own = names.map((host) =>
    isServiceRecord(host) ? [recordQuestion(host)] : addressQuestions(normalizeName(host), families),
  );
  for (const turn of [0, 1]) for (const questions of own) yield* questions.slice(turn, turn + 1);
  const records = names.filter(isServiceRecord).map((host) => serviceHosts(host, lookup));
  const longest = Math.max(0, ...records.map(({ length }) => length));
  for (let i = 0; i < longest; i += 1)
    for (const of of records) for (const host of of.slice(i, i + 1)) yield* addressQuestions(host, families);
}

/** Returns texts for the status about queries of a host that are not made; empty: all of them are. */
export function unqueriedTexts(
  host: string,
  families: Dns['families'],
  lookup: NameStateOf,
  queried: Pick<QuestionSet, 'has'>,
): readonly string[] {
  const missing = questionsOf(host, families, lookup).filter((question) => !queried.has(question));
  const isCut = isServiceRecord(host) && lookup(recordQuestion(host)).hasMoreHosts;
  return [...(isCut ? [moreHostsText] : []), ...(missing.length > 0 ? [missingText(host, missing)] : [])];
}

const moreHostsText = `the SRV record has more than ${maxServiceHosts} hosts or ${maxServiceRecords} records: only the first ones are used, ordered by priority and name`;

function missingText(host: string, missing: readonly Question[]): string {
  const types = [...new Set(missing.map(({ type }) => type))].join(' and ');
  const of = isServiceRecord(host)
    ? `${new Set(missing.map(({ name }) => name)).size} of its hosts`
    : 'this name';
  return `${types} records of ${of} are not queried: an ExternalBackend has at most ${maxQuestions} DNS queries, one for each name and family; set dns.families to one family, or split the targets over several ExternalBackends`;
}
