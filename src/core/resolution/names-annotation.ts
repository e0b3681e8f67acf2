import { isServiceRecord } from '../../api/host.ts';
import { parseIp } from '../../api/ip.ts';
import type { Status } from '../../api/external-backend.ts';
import type { Question, Records } from './name-state.ts';
import type { EndpointSlice, Family } from '../kubernetes/objects.ts';
import { originsOf, type AddressOrigins, type Origin } from './origins.ts';
import { annotations } from '../kubernetes/ownership.ts';
import { normalizeName } from './questions.ts';

// Each slice records which name gave which address, so that a process that starts while DNS is down can match
// the published addresses with names: `{"orders.example.com": ["10.0.0.1"]}`, for SRV records
// `{"_postgres._tcp.example.com db0.example.com": ["10.0.0.5"]}`, with the priority of the record if it is not 0
// (`… db1.example.com 10`), so that the tier in use remains.

/**
 * The API server accepts 256 KiB of annotations per object. A slice without this annotation is better than no
 * slice.
 */
const maxBytes = 200_000;

/** Returns the names under which an address is recorded, one for each target that gives it by a name. */
export const annotationKeysOf = (address: AddressOrigins & { readonly ip: string }): readonly string[] => [
  ...new Set(originsOf(address).flatMap((origin) => annotationKeyOf({ ...origin, ip: address.ip }) ?? [])),
];

/** Returns the name under which a slice records an address of one target; undefined for a literal address. */
export function annotationKeyOf({
  target,
  host,
  record,
  ip,
}: Origin & { readonly ip: string }): string | undefined {
  if (host === ip) return undefined;
  if (record === undefined) return host;
  const priority = record.priority === 0 ? '' : ` ${record.priority}`;
  return `${normalizeName(target.host)} ${host}${priority}`;
}

/**
 * Returns the text of the annotation for the addresses of one slice; undefined: none of them has a name, or
 * the text is too long.
 */
export function encodeNames(
  ips: readonly string[],
  names: ReadonlyMap<string, readonly string[]> | undefined,
): string | undefined {
  if (names === undefined || names.size === 0) return undefined;
  const pairs = ips.toSorted().flatMap((ip) => [names.get(ip) ?? []].flat().map((name) => ({ name, ip })));
  const byName = [...Map.groupBy(pairs, ({ name }) => name)].map(
    ([name, of]) => [name, of.map(({ ip }) => ip)] as const,
  );
  if (byName.length === 0) return undefined;
  const text = JSON.stringify(Object.fromEntries(byName.toSorted(([a], [b]) => (a < b ? -1 : 1))));
  return text.length <= maxBytes ? text : undefined;
}

export interface PublishedName {
  readonly question: Question;
  readonly records: Records;
}

/** One entry of an annotation. */
interface Entry {
  /** Host that the SRV record names; undefined if the key is a host name. */
  readonly server: string | undefined;
  /** Priority of that SRV record. */
  readonly priority: number;
  readonly ips: readonly string[];
  readonly port: number;
}

/** Entries of the annotations of a backend's slices, by host or SRV record. */
export type NamesIndex = ReadonlyMap<string, readonly Entry[]>;

/** Reads the annotation of each slice once, because a backend has hundreds of names and dozens of slices. */
export function indexNames(slices: readonly EndpointSlice[]): NamesIndex {
  const index = new Map<string, Entry[]>();
  for (const slice of slices) {
    const port = slice.ports?.[0]?.port ?? 0;
    for (const [key, ips] of namesOf(slice)) {
      const [name = '', server, priority = ''] = key.split(' ');
      const entries = index.get(name) ?? [];
      index.set(name, entries);
      entries.push({ server, priority: /^[0-9]{1,5}$/.test(priority) ? Number(priority) : 0, ips, port });
    }
  }
  return index;
}

/** Returns the answers for a host that were in effect when the slices were written. */
export function decodeNames(host: string, index: NamesIndex): readonly PublishedName[] {
  const name = normalizeName(host);
  const entries = index.get(name) ?? [];
  if (!isServiceRecord(host))
    return answers(
      name,
      entries.filter(({ server }) => server === undefined).flatMap(({ ips }) => ips),
    );
  const ofServers = entries.flatMap(({ server, ...rest }) =>
    server === undefined ? [] : [{ server, ...rest }],
  );
  if (ofServers.length === 0) return [];
  const services = new Map(
    ofServers.map(({ server, port, priority }) => [
      `${server} ${port} ${priority}`,
      { host: server, port, priority, weight: 0 },
    ]),
  );
  return [
    { question: { name, type: 'SRV' }, records: { addresses: [], services: [...services.values()] } },
    ...ofServers.flatMap(({ server, ips }) => answers(server, ips)),
  ];
}

/** Indexes the addresses in the status of an alias by host, because an alias has no slices. */
export function indexStatus(status: Status | undefined): ReadonlyMap<string, readonly string[]> {
  const byHost = Map.groupBy(status?.targets ?? [], ({ host }) => normalizeName(host));
  return new Map(
    [...byHost].map(([name, targets]) => [
      name,
      targets.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)),
    ]),
  );
}

/** Returns the answers for a host that were in effect when the status was written. */
export function namesFromStatus(
  host: string,
  index: ReadonlyMap<string, readonly string[]>,
): readonly PublishedName[] {
  const name = normalizeName(host);
  return answers(name, index.get(name) ?? []);
}

function answers(name: string, texts: readonly string[]): readonly PublishedName[] {
  const ips = [...new Set(texts)].flatMap((text) => parseIp(text) ?? []);
  const of = (family: Family, type: 'A' | 'AAAA'): readonly PublishedName[] => {
    const addresses = ips.filter((ip) => ip.family === family).map(({ text }) => text);
    return addresses.length === 0 ? [] : [{ question: { name, type }, records: { addresses, services: [] } }];
  };
  return [...of('IPv4', 'A'), ...of('IPv6', 'AAAA')];
}

/**
 * Reads an annotation, which other clients may have edited. Ignores what is not in the operator's format, and
 * names of addresses that the slice does not have.
 */
function namesOf(slice: EndpointSlice): readonly (readonly [string, readonly string[]])[] {
  const parsed = parsedJson(slice.metadata.annotations?.[annotations.names] ?? '{}');
  if (typeof parsed !== 'object' || parsed === null) return [];
  const present = new Set((slice.endpoints ?? []).flatMap(({ addresses }) => addresses));
  return Object.entries(parsed).flatMap(([key, value]: [string, unknown]) => {
    const ips = Array.isArray(value) ? value.filter((ip) => typeof ip === 'string' && present.has(ip)) : [];
    return ips.length > 0 ? [[key, ips as readonly string[]] as const] : [];
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
