import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import type { Answer as Resource, SoaAnswer } from 'dns-packet';
import { isName } from '../api/host.ts';
import { parseIp } from '../api/ip.ts';
import type { Answer, Question, Records, ServiceRecord } from '../core/names.ts';

/** What is asked on the wire. SOA only to hear whether a server answers at all. */
export type WireType = Question['type'] | 'SOA';

/** What one response says. */
export type Reading =
  | Extract<Answer, { kind: 'records' }>
  /** The name is another's alias, and the server did not go on to what that one has. */
  | { readonly kind: 'alias'; readonly target: string; readonly ttlMs: number }
  | {
      readonly kind: 'none';
      readonly reason: 'NoSuchName' | 'NoAddress';
      readonly ttlMs: number;
      /** Whose SOA came with the denial; undefined where none did. */
      readonly zone: string | undefined;
    }
  /** `SERVFAIL`, `malformed answer`, ... */
  | { readonly kind: 'failed'; readonly reason: string };

const headerBytes = 12;
/** The least that a record takes: a name of one byte, type, class, TTL, length. */
const leastRecordBytes = 11;
const responseBit = 0x80;
const opcodeBits = 0x78;
const truncatedBit = 0x02;
const authoritativeBit = 0x04;
const recursionAvailableBit = 0x80;

/** RFC 1035 section 2.3.4, and nothing that cannot be told from a dot or a space in a text. */
const wellFormed = /^[\x21-\x2d\x2f-\x7e]{1,63}(?:\.[\x21-\x2d\x2f-\x7e]{1,63})*$/;
const longestName = 253;

/** A query for the name (absolute, without the trailing dot), with id 0: see `withId`. Undefined: no DNS name. */
export function encodeQuery(name: string, type: WireType): Buffer | undefined {
  if (name.length > longestName || !wellFormed.test(name)) return undefined;
  return encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [{ type, name }] });
}

/** A copy, for the kernel may still hold the bytes of an earlier try. */
export function withId(query: Buffer, id: number): Buffer {
  const message = Buffer.from(query);
  message.writeUInt16BE(id, 0);
  return message;
}

export const idOf = (message: Buffer): number => message.readUInt16BE(0);

export const isTruncated = (response: Buffer): boolean => ((response[2] ?? 0) & truncatedBit) !== 0;

/**
 * Whether this is a response to the very question: QR, an ordinary query, one question, the same name in any case, the
 * same type and class. The id is the caller's. What does not match was sent by somebody else, or for an earlier question
 * (RFC 5452 section 9.1): it is as if it had not come.
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

/** Of one byte of a name. Lengths of labels are below 64, so none is taken for a letter. */
const lowerCase = (byte = 0): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);

/**
 * What a response to a question says; see `isResponseTo`. Never throws, whatever the bytes.
 *
 * | rcode    | in the answer section                     | authority | reading              |
 * |----------|-------------------------------------------|-----------|----------------------|
 * | NOERROR  | records at the end of the chain of CNAMEs | -         | records              |
 * | NOERROR  | CNAMEs alone                              | no SOA    | alias                |
 * | NOERROR  | CNAMEs alone, or nothing                  | SOA       | none, NoAddress      |
 * | NOERROR  | nothing, authoritative or recursing       | no SOA    | none, NoAddress      |
 * | NOERROR  | nothing, neither of these                 | no SOA    | failed: a referral   |
 * | NOERROR  | one SRV with the target `.` (RFC 2782)    | -         | none, NoAddress      |
 * | NXDOMAIN | -                                         | -         | none, NoSuchName     |
 * | others   | -                                         | -         | failed: the rcode    |
 *
 * Times to live are the least of the chain (RFC 1034 section 3.6.2 says nothing; a cache would hold no longer), of a
 * denial the least of SOA's own and its minimum (RFC 2308 section 5), 0 without a SOA.
 */
export function readResponse(response: Buffer, name: string, type: WireType): Reading {
  const rcode = (response[3] ?? 0) & 0x0f;
  if (rcode !== 0 && rcode !== 3) return { kind: 'failed', reason: rcodes[rcode] ?? `rcode ${rcode}` };
  const sections = parse(response);
  if (sections === undefined) return malformed;
  const chain = followChain(sections.answers, name.toLowerCase(), type);
  if (chain === undefined) return { kind: 'failed', reason: 'loop of CNAMEs' };
  if (rcode === 3) return denial('NoSuchName', chain, sections.soa);
  if (chain.records.length > 0) return readRecords(chain);
  if (sections.soa !== undefined) return denial('NoAddress', chain, sections.soa);
  if (chain.ttlMs !== undefined) return { kind: 'alias', target: chain.end, ttlMs: chain.ttlMs };
  return isReferral(response)
    ? { kind: 'failed', reason: 'referral' }
    : denial('NoAddress', chain, undefined);
}

const malformed: Reading = { kind: 'failed', reason: 'malformed answer' };

/** RFC 1035 section 4.1.1. */
const rcodes: Readonly<Record<number, string>> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED' };

/** A server that is neither the zone's nor a resolver denies nothing by its empty answer. */
const isReferral = (response: Buffer): boolean =>
  ((response[2] ?? 0) & authoritativeBit) === 0 && ((response[3] ?? 0) & recursionAvailableBit) === 0;

interface Sections {
  readonly answers: readonly Resource[];
  /** Of the authority section. */
  readonly soa: SoaAnswer | undefined;
}

/** dns-packet throws on most nonsense, allocates what the counts say and reads zeros behind the end: guarded here. */
function parse(response: Buffer): Sections | undefined {
  const records = response.readUInt16BE(6) + response.readUInt16BE(8);
  if (headerBytes + records * leastRecordBytes > response.length) return undefined;
  response.writeUInt16BE(0, 10); // the additional section is of no use to us
  try {
    const { answers = [], authorities = [] } = decode(response);
    if (decode.bytes > response.length) return undefined;
    return { answers, soa: authorities.find((each): each is SoaAnswer => each.type === 'SOA') };
  } catch {
    return undefined;
  }
}

interface Chain {
  /** The last name, in lower case. */
  readonly end: string;
  /** Those of the asked type at the last name. */
  readonly records: readonly Resource[];
  /** The least of all; undefined where there is neither alias nor record. */
  readonly ttlMs: number | undefined;
}

/** From the asked name over its CNAMEs, in whatever order the records stand; undefined where it comes back to itself. */
function followChain(answers: readonly Resource[], name: string, type: WireType): Chain | undefined {
  const seen = new Set<string>();
  const ttls: number[] = [];
  for (let end = name; ;) {
    const here = answers.filter((each) => each.name.toLowerCase() === end && isInternet(each));
    const records = here.filter((each) => each.type === type);
    if (records.length > 0) return { end, records, ttlMs: least([...ttls, ...records.map(ttlMs)]) };
    const alias = here.find((each) => each.type === 'CNAME');
    if (alias?.type !== 'CNAME') return { end, records, ttlMs: ttls.length === 0 ? undefined : least(ttls) };
    if (seen.has(end) || seen.size >= longestChain) return undefined;
    seen.add(end);
    ttls.push(ttlMs(alias));
    end = alias.data.toLowerCase();
  }
}

/** More than any server gives; keeps the walk short on an answer made to be slow. */
const longestChain = 32;

const isInternet = (resource: Resource): boolean => 'class' in resource && resource.class === 'IN';

/** A TTL with the highest bit set is zero (RFC 2181 section 8). */
const ttlMs = (resource: Resource): number =>
  'ttl' in resource && resource.ttl !== undefined && resource.ttl < 2 ** 31 ? resource.ttl * 1000 : 0;

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));

function denial(
  reason: 'NoSuchName' | 'NoAddress',
  chain: Pick<Chain, 'ttlMs'>,
  soa: SoaAnswer | undefined,
): Reading {
  const negativeMs = soa === undefined ? 0 : Math.min(ttlMs(soa), (soa.data.minimum ?? 0) * 1000);
  const zone = soa?.name.toLowerCase();
  return { kind: 'none', reason, ttlMs: Math.min(negativeMs, chain.ttlMs ?? negativeMs), zone };
}

/** Records that nobody could use (an IPv4-mapped address, a host that is no name) are left out, unless all are such. */
function readRecords({ records, ttlMs = 0 }: Chain): Reading {
  if (records.length === 1 && records[0]?.type === 'SRV' && records[0].data.target === '.')
    return { kind: 'none', reason: 'NoAddress', ttlMs, zone: undefined };
  const addresses = records.flatMap((each) =>
    each.type === 'A' || each.type === 'AAAA' ? textOf(each.data) : [],
  );
  const services = records.flatMap((each) => (each.type === 'SRV' ? serviceOf(each.data) : []));
  const none = addresses.length === 0 && services.length === 0;
  if (none && records[0]?.type !== 'SOA') return { kind: 'failed', reason: 'no usable record in the answer' };
  return { kind: 'records', ttlMs, ...sorted({ addresses, services }) };
}

function textOf(address: string): readonly string[] {
  const ip = parseIp(address);
  return ip === undefined ? [] : [ip.text];
}

type ServiceData = Extract<Resource, { type: 'SRV' }>['data'];

function serviceOf({ target, port, priority = 0, weight = 0 }: ServiceData): readonly ServiceRecord[] {
  const host = target.toLowerCase();
  return isName(host) && port > 0 ? [{ host, port, priority, weight }] : [];
}

/** Each once, in an order that says nothing but is always the same: servers rotate their answers. */
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
