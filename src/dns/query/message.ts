import { isName } from '../../api/host.ts';
import type { Answer, Question, Records } from '../../core/resolution/name-state.ts';
import type { NegativeReason } from '../../core/resolution/resolution-states.ts';
import type { ServiceRecord } from '../../core/resolution/srv-records.ts';
import { readOpt, withOpt } from './opt-record.ts';
import type { Opt } from './opt-record.ts';
import { headerBytes, questionEnd, readSections } from './wire.ts';
import type { ResourceRecord } from './wire.ts';

/** Type of a query on the wire. SOA only serves to find out whether a server answers at all. */
export type WireType = Question['type'] | 'SOA';

/** Content of one response. */
export type ParsedResponse =
  | Extract<Answer, { kind: 'records' }>
  /** The name is an alias, and the response has no records of its target. */
  | { readonly kind: 'alias'; readonly target: string; readonly ttlMs: number }
  | {
      readonly kind: 'none';
      readonly reason: NegativeReason;
      readonly ttlMs: number;
      /** Owner of the SOA in the negative answer; undefined if there is none. */
      readonly zone: string | undefined;
    }
  /** `SERVFAIL`, `malformed answer`, ... */
  | { readonly kind: 'failed'; readonly reason: string };

const responseBit = 0x80;
const opcodeBits = 0x78;
const truncatedBit = 0x02;
const authoritativeBit = 0x04;
const recursionAvailableBit = 0x80;

/**
 * Returns a copy of the query with this id, because the kernel may still use the bytes of an earlier try.
 *
 * @param edns true: with an OPT record
 */
export function withId(query: Buffer, id: number, edns = false): Buffer {
  const message = edns ? withOpt(query) : Buffer.from(query);
  message.writeUInt16BE(id, 0);
  return message;
}

export const idOf = (message: Buffer): number => message.readUInt16BE(0);

export const isTruncated = (response: Buffer): boolean => ((response[2] ?? 0) & truncatedBit) !== 0;

/**
 * Returns true if this is a response to exactly this question: QR, an ordinary query, one question, the same
 * name in any case, the same type and class. The caller compares the id. Other messages are from another
 * sender or for an earlier question, and are ignored (RFC 5452 section 9.1).
 */
export function isResponseTo(query: Buffer, response: Buffer): boolean {
  if (response.length < query.length) return false;
  if (((response[2] ?? 0) & (responseBit | opcodeBits)) !== responseBit) return false;
  if (response.readUInt16BE(4) !== 1) return false;
  const nameEnd = query.length - 4;
  for (let i = headerBytes; i < nameEnd; i++) {
    if (lowerCase(query[i]) !== lowerCase(response[i])) return false;
  }
  return query.compare(response, nameEnd, query.length, nameEnd, query.length) === 0;
}

/**
 * Returns the lower case of one byte of a name. Lengths of labels are below 64 and so never taken for
 * letters.
 */
const lowerCase = (byte = 0): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);

/**
 * Reads a response to a question; see `isResponseTo`. Never throws, whatever the bytes.
 *
 * | rcode    | answer section                            | authority | reading              |
 * |----------|-------------------------------------------|-----------|----------------------|
 * | NOERROR  | records at the end of the chain of CNAMEs | -         | records              |
 * | NOERROR  | only CNAMEs                               | no SOA    | alias                |
 * | NOERROR  | only CNAMEs, or nothing                   | SOA       | none, NoAddress      |
 * | NOERROR  | nothing, authoritative or recursing       | no SOA    | none, NoAddress      |
 * | NOERROR  | nothing, neither of these                 | no SOA    | failed: a referral   |
 * | NOERROR  | one SRV with the target `.` (RFC 2782)    | -         | none, NoAddress      |
 * | NXDOMAIN | -                                         | -         | none, NoSuchName     |
 * | others   | -                                         | -         | failed: the rcode    |
 *
 * The rcode has 12 bits where the response has an OPT record (RFC 6891 section 6.1.3).
 *
 * The time to live is the smallest one of the chain (RFC 1034 section 3.6.2 has no rule; a cache would keep
 * it no longer). For a negative answer it is the smaller one of the TTL and the minimum of the SOA (RFC 2308
 * section 5), 0 without a SOA.
 */
export function readResponse(response: Buffer, name: string, type: WireType): ParsedResponse {
  const opt = readOpt(response, questionEnd(name));
  const rcode = rcodeOf(response, opt);
  if (rcode !== 0 && rcode !== 3) return { kind: 'failed', reason: failureText(rcode, opt) };
  const sections = readSections(response, questionEnd(name));
  if (sections === undefined) return { kind: 'failed', reason: 'malformed answer' };
  const chain = followChain(sections.answers, name.toLowerCase(), type);
  if (chain === undefined) return { kind: 'failed', reason: 'CNAME loop' };
  const soa = sections.authorities.find(({ data }) => data.type === 'SOA');
  if (rcode === 3) return negativeAnswer('NoSuchName', chain, soa);
  if (chain.records.length > 0) return readRecords(chain);
  if (soa !== undefined) return negativeAnswer('NoAddress', chain, soa);
  if (chain.ttlMs !== undefined) return { kind: 'alias', target: chain.end, ttlMs: chain.ttlMs };
  return isReferral(response)
    ? { kind: 'failed', reason: 'referral' }
    : negativeAnswer('NoAddress', chain, undefined);
}

/**
 * Returns the effect that the OPT record of a query had on its response.
 *
 * @param failed true: the response is useless
 */
export function readEcho(response: Buffer, name: string, failed: boolean): OptEcho {
  const opt = readOpt(response, questionEnd(name));
  if (failed && (opt === undefined || optRcodes.includes(rcodeOf(response, opt)))) return 'refused';
  return opt === undefined ? 'ignored' : 'echoed';
}

/**
 * Effect of the OPT record of a query:
 *
 * | response to a query with OPT                       | OPT is  | because                                                     |
 * |----------------------------------------------------|---------|-------------------------------------------------------------|
 * | FORMERR, NOTIMP, BADVERS                           | refused | some servers send the whole query back with these, including OPT |
 * | useless in another way (SERVFAIL, malformed), no OPT | refused | a server that accepts EDNS answers with OPT: query without it |
 * | useless in another way, with OPT                   | echoed  |                                                             |
 * | useful, no OPT                                     | ignored |                                                             |
 * | useful, with OPT                                   | echoed  |                                                             |
 */
export type OptEcho = 'echoed' | 'ignored' | 'refused';

const rcodeOf = (response: Buffer, opt: Opt | undefined): number =>
  ((response[3] ?? 0) & 0x0f) | (opt?.rcodeBits ?? 0);

function failureText(rcode: number, opt: Opt | undefined): string {
  const reason = rcodes[rcode] ?? `rcode ${rcode}`;
  return opt?.error === undefined ? reason : `${reason} (${opt.error})`;
}

/** Names of response codes (RFC 1035 section 4.1.1, RFC 6891 section 9). */
const rcodes: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};

/** Response codes with which a server refuses OPT. */
const optRcodes: readonly number[] = [1, 4, 16];

/**
 * Returns true if the server is neither authoritative nor a resolver: its empty answer is no negative answer.
 */
const isReferral = (response: Buffer): boolean =>
  ((response[2] ?? 0) & authoritativeBit) === 0 && ((response[3] ?? 0) & recursionAvailableBit) === 0;

interface Chain {
  /** The last name, in lower case. */
  readonly end: string;
  /** Records of the queried type at the last name. */
  readonly records: readonly ResourceRecord[];
  /** Smallest time to live of the chain; undefined if there is neither alias nor record. */
  readonly ttlMs: number | undefined;
}

/** Follows the CNAMEs of the queried name, in any order of the records. Returns undefined for a loop. */
function followChain(answers: readonly ResourceRecord[], name: string, type: WireType): Chain | undefined {
  const seen: string[] = [];
  let ttlMs: number | undefined;
  for (let end = name; ;) {
    const here = answers.filter((each) => each.name === end);
    const records = here.filter(({ data }) => data.type === type);
    if (records.length > 0) return { end, records, ttlMs: leastTtl(records, ttlMs) };
    const alias = here.find(({ data }) => data.type === 'CNAME');
    if (alias?.data.type !== 'CNAME') return { end, records, ttlMs };
    if (seen.includes(end) || seen.length >= longestChain) return undefined;
    seen.push(end);
    ttlMs = leastTtl([alias], ttlMs);
    end = alias.data.target;
  }
}

/** More than any server sends. Bounds the work for an answer that is made to be slow. */
const longestChain = 32;

const leastTtl = (resources: readonly ResourceRecord[], before = Infinity): number =>
  resources.reduce((least, { ttlMs }) => Math.min(least, ttlMs), before);

function negativeAnswer(
  reason: NegativeReason,
  chain: Pick<Chain, 'ttlMs'>,
  soa: ResourceRecord | undefined,
): ParsedResponse {
  const negativeMs = soa?.data.type === 'SOA' ? Math.min(soa.ttlMs, soa.data.minimumMs) : 0;
  return { kind: 'none', reason, ttlMs: Math.min(negativeMs, chain.ttlMs ?? negativeMs), zone: soa?.name };
}

/**
 * Reads the records at the end of the chain. Unusable ones (an IPv4-mapped address, a host that is not a
 * name) are left out. If all are unusable, the reading is a failure.
 */
function readRecords({ records, ttlMs = 0 }: Chain): ParsedResponse {
  if (records.length === 1 && records[0]?.data.type === 'SRV' && records[0].data.host === '')
    return { kind: 'none', reason: 'NoAddress', ttlMs, zone: undefined };
  const addresses = records.flatMap(({ data }) => ('address' in data ? (data.address ?? []) : []));
  const services = records.flatMap(({ data }) =>
    data.type === 'SRV' && isUsable(data) ? serviceOf(data) : [],
  );
  const none = addresses.length === 0 && services.length === 0;
  if (none && records[0]?.data.type !== 'SOA')
    return { kind: 'failed', reason: 'no usable record in the answer' };
  return { kind: 'records', ttlMs, ...sorted({ addresses, services }) };
}

type ServiceData = Extract<ResourceRecord['data'], { type: 'SRV' }>;

const isUsable = ({ host, port }: ServiceData): boolean => isName(host) && port > 0;

const serviceOf = ({ host, port, priority, weight }: ServiceData): ServiceRecord => ({
  host,
  port,
  priority,
  weight,
});

/** Returns each record once, in a fixed order without meaning, because servers rotate their answers. */
const sorted = ({ addresses, services }: Records): Records => ({
  addresses: addresses.length < 2 ? addresses : [...new Set(addresses)].toSorted(),
  services: services.length < 2 ? services : sortedServices(services),
});

const sortedServices = (services: readonly ServiceRecord[]): readonly ServiceRecord[] =>
  [...new Map(services.map((each) => [serviceKey(each), each]))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, each]) => each);

const serviceKey = ({ priority, host, port, weight }: ServiceRecord): string =>
  [padded(priority), host, padded(port), padded(weight)].join(' ');

const padded = (value: number): string => String(value).padStart(5, '0');
