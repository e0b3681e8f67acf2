/** Kinds of values that a flag can have. Each is a zod schema that converts the text to the value. */
import { isNamePattern } from '../core/resolution/alias-policy.ts';
import { lookUp } from '../core/look-up.ts';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { parseCidr } from '../api/cidr.ts';
import { parseIp } from '../api/ip.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const maxDurationMs = 24 * 3_600_000;

/** Returns `500ms`, `15s`, `1m30s` or `2h` as milliseconds; undefined for any other text. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+)(ms|s|m|h)/g);
  let sum = 0;
  for (const [, count, unit] of parts) sum += Number(count) * (lookUp(unitMs, unit ?? '') ?? Number.NaN);
  return sum;
}

export const duration = z
  .string()
  .transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms > 0 && ms <= maxDurationMs) return ms;
    context.addIssue({
      code: 'custom',
      message: 'must be a duration such as 500ms, 15s or 1m30s, at most 24h',
    });
    return z.NEVER;
  })
  .meta({ kind: 'duration' });

export function integer(min: number, max: number) {
  return z
    .string()
    .transform((text, context) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value;
      context.addIssue({
        code: 'custom',
        message: `must be a whole number from ${String(min)} to ${String(max)}`,
      });
      return z.NEVER;
    })
    .meta({ kind: `${String(min)}..${String(max)}` });
}

export const boolean = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true')
  .meta({ kind: 'true, false' });

export function oneOf<const T extends readonly [string, ...string[]]>(choices: T) {
  return z
    .enum(choices, { error: `must be one of ${choices.join(', ')}` })
    .meta({ kind: choices.join(', ') });
}

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const dnsLabel = new RegExp(`^${label}$`);
const dnsName = new RegExp(`^${label}(\\.${label})*$`);

export const namespaceName = z
  .string()
  .regex(dnsLabel, 'must be a namespace name: lower-case letters, digits and hyphens')
  .meta({ kind: 'namespace' });

export const objectName = z
  .string()
  .max(253, 'must have at most 253 characters')
  .regex(dnsName, 'must be an object name: lower-case letters, digits, hyphens and dots')
  .meta({ kind: 'name' });

export const identity = z
  .string()
  .regex(/^[\x21-\x7e]{1,253}$/, 'must be 1 to 253 printable characters without spaces')
  .meta({ kind: 'text' });

export const text = z.string().min(1, 'must not be empty').meta({ kind: 'text' });

const list = (value: string): readonly string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Returns a schema for a list of the given words. */
export function anyOf<const T extends string>(choices: readonly T[]) {
  return z
    .string()
    .transform((value, context) => {
      const words = [...new Set(list(value))];
      for (const word of words.filter((each) => !choices.some((choice) => choice === each)))
        context.addIssue({
          code: 'custom',
          message: `has "${word}", which is not one of ${choices.join(', ')}`,
        });
      return choices.filter((choice) => words.includes(choice));
    })
    .meta({ kind: `list of ${choices.join(', ')}` });
}

export const namespaceNames = z
  .string()
  .transform((value, context) => {
    const names = [...new Set(list(value))].sort();
    for (const name of names.filter((each) => !dnsLabel.test(each)))
      context.addIssue({ code: 'custom', message: `has "${name}", which is not a namespace name` });
    return names;
  })
  .meta({ kind: 'list of namespaces' });

export const cidrs = z
  .string()
  .transform((value, context) => {
    const all = list(value);
    for (const each of all.filter((cidr) => parseCidr(cidr) === undefined))
      context.addIssue({
        code: 'custom',
        message: `has "${each}", which is not a CIDR such as 10.0.0.0/8 or fd00::/8`,
      });
    return all;
  })
  .meta({ kind: 'list of CIDRs' });

export const namePatterns = z
  .string()
  .transform((value, context) => {
    const all = list(value).map((each) => each.toLowerCase());
    for (const each of all.filter((pattern) => !isNamePattern(pattern)))
      context.addIssue({
        code: 'custom',
        message: `has "${each}", which is not a host name such as db.example.com, or *.example.com for all names below it`,
      });
    return all;
  })
  .meta({ kind: 'list of host names' });

/**
 * Address that a server listens on. Without host: all addresses of the machine, of both families. Port 0: any
 * free port.
 */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/**
 * Parses an address such as `:8080`, `127.0.0.1:8080` or `[::1]:8080`; returns undefined for any other text.
 */
export function parseListenAddress(value: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(digits);
  if (!(port <= 65535)) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (plain === undefined || plain === '') return { host: undefined, port };
  return isIP(plain) === 4 || dnsName.test(plain) ? { host: plain, port } : undefined;
}

export const listenAddress = z
  .string()
  .transform((value, context) => {
    const address = parseListenAddress(value);
    if (address !== undefined) return address;
    context.addIssue({
      code: 'custom',
      message: 'must be an address to listen on such as :8080, 127.0.0.1:8080 or [::1]:8080',
    });
    return z.NEVER;
  })
  .meta({ kind: 'host:port' });

/** Name server: an IP address in any text form, and a UDP and TCP port. */
export interface DnsServer {
  readonly address: string;
  readonly port: number;
}

/** Returns `10.0.0.1:53` or `[fd00::1]:53` as IP and port; undefined for any other text. */
export function parseAddressPort(value: string): { readonly ip: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65535)) return undefined;
  const ip = parseIp(bracketed ?? plain ?? '');
  const isRight = ip !== undefined && (ip.family === 'IPv6') === (bracketed !== undefined);
  return isRight ? { ip: ip.text, port } : undefined;
}

export const canaries = z
  .string()
  .transform((value, context) =>
    list(value).flatMap((each) => {
      const canary = parseAddressPort(each);
      if (canary !== undefined) return [canary];
      context.addIssue({
        code: 'custom',
        message: `has "${each}", which is not an address with a port such as 10.0.0.1:53 or [fd00::1]:53`,
      });
      return [];
    }),
  )
  .meta({ kind: 'list of address:port' });

/**
 * Parses `10.96.0.10`, `10.96.0.10:5353`, `fd00::10`, `[fd00::10]` or `[fd00::10]:5353`; returns undefined
 * for any other text. The default port is 53.
 */
export function parseDnsServer(value: string): DnsServer | undefined {
  if (isIPv6(value)) return { address: value, port: 53 };
  const [, bracketed, plain, digits = '53'] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(value) ?? [];
  const port = Number(digits);
  if (port < 1 || port > 65535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { address: bracketed, port } : undefined;
  return plain !== undefined && isIPv4(plain) ? { address: plain, port } : undefined;
}

export const dnsServers = z
  .string()
  .transform((value, context) =>
    list(value).flatMap((each) => {
      const server = parseDnsServer(each);
      if (server !== undefined) return [server];
      context.addIssue({
        code: 'custom',
        message: `has "${each}", which is not the address of a name server such as 10.96.0.10, 10.96.0.10:5353 or [fd00::10]:5353`,
      });
      return [];
    }),
  )
  .meta({ kind: 'list of address:port' });
