import type { Port, Target } from '../api/external-backend.ts';
import { forbiddenRule, parseIp, type Ip } from '../api/ip.ts';
import type { Family } from './objects.ts';

/** One IP of a target, as it will be published. */
export interface BackendAddress {
  readonly ip: string;
  readonly family: Family;
  /** The target's own port; 0: the backend's, also where the target repeats it. */
  readonly port: number;
  readonly target: Target;
}

/** What became of one target. */
export interface TargetAddresses {
  readonly target: Target;
  readonly addresses: readonly BackendAddress[];
  /** Why something of it is not published; not a matter of health. */
  readonly message?: string;
}

export interface Cidr {
  readonly text: string;
  readonly ip: Ip;
  readonly bits: number;
}

/** `10.0.0.0/8` or `fd00::/8`. Undefined when the text is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [address, bits, ...rest] = text.split('/');
  const ip = parseIp(address ?? '');
  if (ip === undefined || bits === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  const count = Number(bits);
  return count <= ip.bytes.length * 8 ? { text, ip, bits: count } : undefined;
}

export function contains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.ip.family !== ip.family) return false;
  const whole = cidr.bits >> 3;
  for (let i = 0; i < whole; i++) if (cidr.ip.bytes[i] !== ip.bytes[i]) return false;
  const mask = 0xff00 >> (cidr.bits & 7);
  return (
    (cidr.bits & 7) === 0 ||
    ((cidr.ip.bytes[whole] ?? 0) & mask & 0xff) === ((ip.bytes[whole] ?? 0) & mask & 0xff)
  );
}

/** The rule that forbids an address, named for people; undefined when it may be published and probed. */
export function refusal(ip: Ip, denied: readonly Cidr[]): string | undefined {
  const rule = forbiddenRule(ip);
  if (rule !== undefined) return rule;
  const cidr = denied.find((candidate) => contains(candidate, ip));
  return cidr && `denied by --deny-cidr ${cidr.text}`;
}

/**
 * The addresses of every target, each address and port once: two spellings of one address are published once
 * and the later target says so. A refused or unusable address never holds back the others.
 */
export function addressesOf(
  targets: readonly Target[],
  resolve: (host: string) => { readonly addresses: readonly string[]; readonly error?: string },
  denied: readonly Cidr[],
  ports: readonly Port[] = [],
): readonly TargetAddresses[] {
  const seen = new Map<string, string>();
  const only = ports.length === 1 ? ports[0] : undefined;
  const common = only?.targetPort ?? only?.port ?? 0;
  return targets.map((target) => {
    const resolution = resolve(target.host);
    const notes = resolution.error === undefined ? [] : [resolution.error];
    const addresses: BackendAddress[] = [];
    for (const text of resolution.addresses) {
      const address = admit(text, target, target.port === common ? 0 : target.port, denied, seen);
      if (typeof address === 'string') notes.push(address);
      else addresses.push(address);
    }
    return { target, addresses, ...(notes.length > 0 && { message: notes.join('; ') }) };
  });
}

function admit(
  text: string,
  target: Target,
  port: number,
  denied: readonly Cidr[],
  seen: Map<string, string>,
): BackendAddress | string {
  const ip = parseIp(text);
  if (ip === undefined) return `${text} is not an IP address`;
  const rule = refusal(ip, denied);
  if (rule !== undefined) return `${ip.text} is refused: ${rule}`;
  const key = `${ip.text}|${port}`;
  const first = seen.get(key);
  if (first !== undefined) return `${ip.text} is published once, through target ${first}`;
  seen.set(key, target.host);
  return { ip: ip.text, family: ip.family, port, target };
}
