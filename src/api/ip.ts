/** IP families, the one that is preferred first. */
export const families = ['IPv4', 'IPv6'] as const;

export interface Ip {
  readonly family: (typeof families)[number];
  /**
   * Canonical text (RFC 5952), as the API server and other controllers write it. Two addresses are equal if
   * their texts are.
   */
  readonly text: string;
  /** 4 or 16 bytes, in network order. */
  readonly bytes: readonly number[];
}

/**
 * Parses exactly the texts that `isIP` of the CEL library of Kubernetes accepts (`netip.ParseAddr` of Go
 * without zones and without IPv4-mapped IPv6): four decimal fields without leading zeros, or RFC 4291 text in
 * upper or lower case. Returns undefined for any other text.
 */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(':')) {
    const bytes = parseIpv4(text);
    return bytes && { family: 'IPv4', text, bytes };
  }
  const groups = parseIpv6(text);
  if (groups === undefined || isMapped(groups)) return undefined;
  return {
    family: 'IPv6',
    text: ipv6Text(groups),
    bytes: groups.flatMap((group) => [group >> 8, group & 0xff]),
  };
}

/**
 * Returns the canonical text of an address of 4 or 16 bytes in network order; undefined for an IPv4-mapped
 * address.
 */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  const groups = pairs(bytes);
  return isMapped(groups) ? undefined : ipv6Text(groups);
}

/** Returns the IPv4 address of 4 bytes. */
export const ipFromBytes = (bytes: readonly number[]): Ip => ({
  family: 'IPv4',
  text: bytes.join('.'),
  bytes,
});

/** Parses character by character for speed, because every host of every backend is parsed several times. */
function parseIpv4(text: string): readonly number[] | undefined {
  const bytes: number[] = [];
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const digit = text.charCodeAt(i) - zero;
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return undefined;
      value = value < 0 ? digit : value * 10 + digit;
    } else {
      if (value < 0 || value > 255 || (i < text.length && text[i] !== '.')) return undefined;
      bytes.push(value);
      value = -1;
    }
  }
  return bytes.length === 4 ? bytes : undefined;
}

const zero = 48;

/** Parses eight groups of 16 bits. `::` replaces at least one group of zeros and occurs at most once. */
function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Parses groups. The last two groups of an address may be written as IPv4: `64:ff9b::192.0.2.1`. */
function parseGroups(text: string, last: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const ipv4 = last && parts.at(-1)?.includes('.') === true ? parseIpv4(parts.pop() ?? '') : [];
  if (ipv4 === undefined || !parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  return [...parts.map((part) => parseInt(part, 16)), ...pairs(ipv4)];
}

/** Returns bytes as groups of 16 bits. */
const pairs = (bytes: ArrayLike<number>): readonly number[] =>
  Array.from({ length: bytes.length / 2 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));

const isMapped = (groups: readonly number[]): boolean =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;

/**
 * Returns text by RFC 5952: lower case, no leading zeros, the first of the longest runs of two or more zero
 * groups as `::`.
 */
function ipv6Text(groups: readonly number[]): string {
  const hex = groups.map((group) => group.toString(16));
  const run = longestZeroRun(groups);
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}
