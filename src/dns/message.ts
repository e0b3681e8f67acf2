import { isName } from '../api/host.ts';
import type { Answer, Question, Records } from '../core/names.ts';
import type { ServiceRecord } from '../core/srv-records.ts';
import { readOpt, withOpt } from './opt.ts';
import type { Opt } from './opt.ts';
import { headerBytes, questionEnd, readSections } from './wire.ts';
import type { Resource } from './wire.ts';

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

const responseBit = 0x80;
const opcodeBits = 0x78;
const truncatedBit = 0x02;
const authoritativeBit = 0x04;
const recursionAvailableBit = 0x80;

/** Returns a copy, because the kernel may still hold the bytes of an earlier try; `edns`: with an OPT record. */
export function withId(query: Buffer, id: number, edns = false): Buffer {
  const message = edns ? withOpt(query) : Buffer.from(query);
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
 * The rcode has 12 bits where the response has an OPT record (RFC 6891 section 6.1.3).
 *
 * Times to live are the least of the chain (RFC 1034 section 3.6.2 says nothing; a cache would hold no longer), of a
 * denial the least of SOA's own and its minimum (RFC 2308 section 5), 0 without a SOA.
 */
export function readResponse(response: Buffer, name: string, type: WireType): Reading {
  const opt = readOpt(response, questionEnd(name));
  const rcode = rcodeOf(response, opt);
  if (rcode !== 0 && rcode !== 3) return { kind: 'failed', reason: failureText(rcode, opt) };
  const sections = readSections(response, questionEnd(name));
  if (sections === undefined) return { kind: 'failed', reason: 'malformed answer' };
  const chain = followChain(sections.answers, name.toLowerCase(), type);
  if (chain === undefined) return { kind: 'failed', reason: 'loop of CNAMEs' };
  const soa = sections.authorities.find(({ data }) => data.type === 'SOA');
  if (rcode === 3) return denial('NoSuchName', chain, soa);
  if (chain.records.length > 0) return readRecords(chain);
  if (soa !== undefined) return denial('NoAddress', chain, soa);
  if (chain.ttlMs !== undefined) return { kind: 'alias', target: chain.end, ttlMs: chain.ttlMs };
  return isReferral(response)
    ? { kind: 'failed', reason: 'referral' }
    : denial('NoAddress', chain, undefined);
}

/** Returns the effect of the OPT record of a query on its response; `failed`: the server cannot read it. */
export function readEcho(response: Buffer, name: string, failed: boolean): OptEcho {
  const opt = readOpt(response, questionEnd(name));
  if (failed && (opt === undefined || optRcodes.includes(rcodeOf(response, opt)))) return 'refused';
  return opt === undefined ? 'ignored' : 'echoed';
}

/**
 * | response to a query with OPT                       | it is   | because                                                     |
 * |----------------------------------------------------|---------|-------------------------------------------------------------|
 * | FORMERR, NOTIMP, BADVERS                           | refused | some send the whole query back with these, OPT and all      |
 * | useless in another way (SERVFAIL, malformed), no OPT | refused | a server that takes EDNS answers with OPT: ask without it |
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

/** RFC 1035 section 4.1.1, RFC 6891 section 9. */
const rcodes: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};

/** A server refuses OPT with these. */
const optRcodes: readonly number[] = [1, 4, 16];

/** A server that is neither the zone's nor a resolver denies nothing by its empty answer. */
const isReferral = (response: Buffer): boolean =>
  ((response[2] ?? 0) & authoritativeBit) === 0 && ((response[3] ?? 0) & recursionAvailableBit) === 0;

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

/** More than any server gives; keeps the walk short on an answer made to be slow. */
const longestChain = 32;

const leastTtl = (resources: readonly Resource[], before = Infinity): number =>
  resources.reduce((least, { ttlMs }) => Math.min(least, ttlMs), before);

function denial(
  reason: 'NoSuchName' | 'NoAddress',
  chain: Pick<Chain, 'ttlMs'>,
  soa: Resource | undefined,
): Reading {
  const negativeMs = soa?.data.type === 'SOA' ? Math.min(soa.ttlMs, soa.data.minimumMs) : 0;
  return { kind: 'none', reason, ttlMs: Math.min(negativeMs, chain.ttlMs ?? negativeMs), zone: soa?.name };
}

/** Records that nobody could use (an IPv4-mapped address, a host that is no name) are left out, unless all are such. */
function readRecords({ records, ttlMs = 0 }: Chain): Reading {
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

type ServiceData = Extract<Resource['data'], { type: 'SRV' }>;

const isUsable = ({ host, port }: ServiceData): boolean => isName(host) && port > 0;

const serviceOf = ({ host, port, priority, weight }: ServiceData): ServiceRecord => ({
  host,
  port,
  priority,
  weight,
});

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
