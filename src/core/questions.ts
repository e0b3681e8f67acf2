import { isServiceRecord } from '../api/host.ts';
import { parseIp } from '../api/ip.ts';
import type { Dns } from '../api/dns.ts';
import { questionKey, type NameState, type Question } from './names.ts';
import { byPriority, mostServiceHosts, mostServiceRecords } from './srv-records.ts';

/** `nothingKnown` for what was never asked. */
export type Lookup = (question: Question) => NameState;

/** Names are the same in any case, with and without the trailing dot; `db.` alone keeps it, because it is not `db`. */
export function nameOf(host: string): string {
  const name = host.toLowerCase();
  return name.indexOf('.') === name.length - 1 ? name : name.replace(/\.$/, '');
}

const types = { IPv4: 'A', IPv6: 'AAAA' } as const;

export const addressQuestions = (name: string, families: Dns['families']): readonly Question[] =>
  families.map((family) => ({ name, type: types[family] }));

export const recordQuestion = (host: string): Question => ({ name: nameOf(host), type: 'SRV' });

/** Hosts of an SRV record, each once, in the order in which they are asked for. */
const serviceHosts = (host: string, lookup: Lookup): readonly string[] => [
  ...new Set(
    lookup(recordQuestion(host))
      .services.toSorted(byPriority)
      .map((service) => service.host),
  ),
];

/** All that must be asked to know a host, as far as it is known by now. */
export function questionsOf(host: string, families: Dns['families'], lookup: Lookup): readonly Question[] {
  if (parseIp(host) !== undefined) return [];
  if (!isServiceRecord(host)) return addressQuestions(nameOf(host), families);
  const hosts = serviceHosts(host, lookup);
  return [recordQuestion(host), ...hosts.flatMap((each) => addressQuestions(each, families))];
}

/** Questions that one backend asks at most. */
export const mostQuestions = 512;

/** The questions of one backend. */
export interface QuestionSet {
  readonly questions: readonly Question[];
  readonly has: (question: Question) => boolean;
}

/**
 * Returns what a backend asks to know its hosts, as far as they are known by now: the hosts of an SRV record come with
 * its answer. Each question once, in this order, until there are `mostQuestions`:
 *
 * | turn | questions                                                                                            |
 * |------|------------------------------------------------------------------------------------------------------|
 * | 1    | of each host its SRV record, or the records of the first family                                       |
 * | 2    | of each host the records of the other family                                                         |
 * | 3    | of each SRV record the first host, by priority and name; then of each the second one, and so on       |
 *
 * So no name of the spec is left out altogether, and which questions are asked follows from the spec and the answers
 * alone.
 */
export function questionSet(
  hosts: readonly string[],
  families: Dns['families'],
  lookup: Lookup,
): QuestionSet {
  const chosen = new Map<string, Question>();
  for (const question of inOrder(hosts, families, lookup)) {
    if (chosen.size >= mostQuestions) break;
    chosen.set(questionKey(question), question);
  }
  return { questions: [...chosen.values()], has: (question) => chosen.has(questionKey(question)) };
}

function* inOrder(hosts: readonly string[], families: Dns['families'], lookup: Lookup): Generator<Question> {
  const names = hosts.filter((host) => parseIp(host) === undefined);
  const own = names.map((host) =>
    isServiceRecord(host) ? [recordQuestion(host)] : addressQuestions(nameOf(host), families),
  );
  for (const turn of [0, 1]) for (const questions of own) yield* questions.slice(turn, turn + 1);
  const records = names.filter(isServiceRecord).map((host) => serviceHosts(host, lookup));
  const longest = Math.max(0, ...records.map(({ length }) => length));
  for (let i = 0; i < longest; i += 1)
    for (const of of records) for (const host of of.slice(i, i + 1)) yield* addressQuestions(host, families);
}

/** Texts for the status about what of a host is not asked for; none: all of it is. */
export function unaskedTexts(
  host: string,
  families: Dns['families'],
  lookup: Lookup,
  asked: Pick<QuestionSet, 'has'>,
): readonly string[] {
  const missing = questionsOf(host, families, lookup).filter((question) => !asked.has(question));
  const isCut = isServiceRecord(host) && lookup(recordQuestion(host)).hasMoreHosts;
  return [...(isCut ? [moreHostsText] : []), ...(missing.length > 0 ? [missingText(host, missing)] : [])];
}

const moreHostsText = `the SRV record has more than ${mostServiceHosts} hosts or ${mostServiceRecords} records: only the first ones are used, ordered by priority and name`;

function missingText(host: string, missing: readonly Question[]): string {
  const types = [...new Set(missing.map(({ type }) => type))].join(' and ');
  const of = isServiceRecord(host)
    ? `${new Set(missing.map(({ name }) => name)).size} of its hosts`
    : 'this name';
  return `${types} records of ${of} are not queried: an ExternalBackend has at most ${mostQuestions} DNS queries, one for each name and family; set dns.families to one family, or split the targets over several ExternalBackends`;
}
