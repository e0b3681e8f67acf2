import type { Port, Spec, Target } from '../../api/external-backend.ts';
import { parseIp, type Ip } from '../../api/ip.ts';
import { maxEndpoints } from '../../api/limits.ts';
import { clusterAddressText, isRefusedAddress, type ClusterAddressOf } from './cluster-addresses.ts';
import type { Family } from '../kubernetes/objects.ts';
import type { AddressOrigins, Origin } from './origins.ts';
import type { HostAddress, Resolution } from './resolve-host.ts';
import { clusterNotes, drainNotes, refusalNotes, type TargetNote } from './target-notes.ts';

/** One IP of a target, as it is to be published. */
export interface BackendAddress extends AddressOrigins {
  readonly ip: string;
  readonly family: Family;
  /**
   * Port of the target, or of its SRV record. 0: the ports of the backend, also if the target repeats the
   * only one.
   */
  readonly port: number;
  /** Removed from the answer, and kept only as long as it is healthy. */
  readonly kept: boolean;
  /** True if no Service has its family: it is not probed and not counted. */
  readonly familyNotServed?: true;
}

/** Addresses of one target, and why some are missing. */
export interface TargetAddresses {
  readonly target: Target;
  readonly addresses: readonly BackendAddress[];
  /** Undefined for a literal address. */
  readonly resolution?: Pick<Resolution, 'state' | 'resolvedWall' | 'error'>;
  /** Text about addresses of it that are not published for a reason other than health. */
  readonly message?: string;
  /**
   * True if one of the reasons is that an address may not, or cannot, be used. An address that another target
   * gives too is no such reason.
   */
  readonly refused?: true;
  /** The host itself may not be used, whatever its addresses (alias-policy.ts). */
  readonly forbidden?: true;
}

/**
 * Returns why an address may not be used with this port of its own (0: the ports of the backend); undefined
 * when it may.
 */
export type DenialReasonOf = (ip: Ip, port: number) => string | undefined;

/**
 * A name with thousands of addresses, by mistake or malice, must not make a status too large to be stored.
 */
export const maxAddresses = 2000;

/**
 * Returns the highest number of published addresses of a backend. The API server may have accepted a resource
 * before `endpointsRule` existed, and names may resolve to many addresses. Of these the first ones are
 * published, and probed as before.
 *
 * | mode         | at most |
 * |--------------|---------|
 * | Endpoints    | `maxAddresses`, and `maxEndpoints` over all Services and port groups |
 * | ExternalName | the same, as if for one Service: it has no endpoints, but it is probed |
 */
export function addressLimit(
  { mode, services }: Pick<Spec, 'mode'> & { readonly services?: readonly unknown[] | undefined },
  portGroups: number,
): number {
  const factor = (mode === 'ExternalName' ? 1 : (services?.length ?? 1)) * Math.max(1, portGroups);
  return Math.max(1, Math.min(maxAddresses, Math.floor(maxEndpoints / factor)));
}

/**
 * Returns the addresses of every target, each address and port once. Two spellings of one address are
 * published once, and the later target reports it. A refused or unusable address does not affect the others.
 * An address of several targets is listed under the first one, and probed with its name. In each Service it
 * has the fields of the targets that put it there (origins.ts).
 *
 * | order | addresses that count for the limit `most`   |
 * |-------|---------------------------------------------|
 * | first | literal addresses: no name can displace one |
 * | then  | addresses in a current answer               |
 * | last  | addresses that are only kept; nothing is reported for those that do not fit |
 */
export function addressesOf(
  targets: readonly Target[],
  resolve: (host: string) => Resolution,
  refusalOf: DenialReasonOf,
  ports: readonly Port[] = [],
  most = maxAddresses,
  clusterAddressOf: ClusterAddressOf = () => undefined,
): readonly TargetAddresses[] {
  const only = ports.length === 1 ? ports[0] : undefined;
  const { admit, whole } = createAdmission(
    { refusalOf, clusterAddressOf, most },
    only?.targetPort ?? only?.port ?? 0,
  );
  const resolved = targets.map((target) => ({ target, ...resolve(target.host) }));
  const literal = resolved.map((each) => (each.state === undefined ? admit(each, false) : undefined));
  const answered = resolved.map((each, i) => literal[i] ?? admit(each, false));
  const kept = resolved.map((each) => admit(each, true));
  const addresses = resolved.map((_, i) =>
    [...(answered[i]?.addresses ?? []), ...(kept[i]?.addresses ?? [])].map(whole),
  );
  const undrained = drainNotes(targets, addresses.flat());
  return resolved.map(({ target, state, resolvedWall, error, unqueried = [] }, i) => {
    const notes = [
      ...unqueried.map((text) => ({ text, harmless: true })),
      ...(answered[i]?.notes ?? []),
      ...(undrained.get(target) ?? []),
      ...clusterNotes(addresses[i] ?? [], clusterAddressOf),
    ];
    return {
      target,
      addresses: addresses[i] ?? [],
      ...(state !== undefined && { resolution: { state, resolvedWall, error } }),
      ...(notes.length > 0 && { message: [...new Set(notes.map(({ text }) => text))].join('; ') }),
      ...(notes.some(({ harmless }) => !harmless) && { refused: true as const }),
    };
  });
}

interface Admitted {
  readonly addresses: readonly BackendAddress[];
  readonly notes: readonly TargetNote[];
}

const tooMany = (most: number): string =>
  `only the first ${most} addresses are published: an ExternalBackend has at most ${maxAddresses} addresses, and at most ${maxEndpoints} endpoints over all its Services and ports with their own probe`;

interface Answer {
  readonly target: Target;
  readonly addresses: readonly HostAddress[];
}

interface GateOptions {
  readonly refusalOf: DenialReasonOf;
  readonly clusterAddressOf: ClusterAddressOf;
  readonly most: number;
}

interface Gate {
  /**
   * Returns what may be published, each address once, and the reasons against the others. `kept`: for
   * addresses that were removed from the answer, otherwise for those in it.
   */
  readonly admit: (given: Answer, kept: boolean) => Admitted;
  /** Returns an admitted address with all targets that have given it since. */
  readonly whole: (address: BackendAddress) => BackendAddress;
}

function createAdmission({ refusalOf, clusterAddressOf, most }: GateOptions, commonPort: number): Gate {
  /** `ip|port` -> all targets that give it, without those that only keep it if it is in an answer. */
  const seen = new Map<string, { readonly kept: boolean; readonly origins: Origin[] }>();
  const keyOf = ({ ip, port }: Pick<BackendAddress, 'ip' | 'port'>): string => `${ip}|${port}`;
  const refusedText = (ip: Ip, port: number): string | undefined => {
    const rule = refusalOf(ip, port);
    if (rule !== undefined) return `${ip.text} is refused: ${rule}`;
    const virtual = clusterAddressOf(ip.text);
    return virtual !== undefined && isRefusedAddress(virtual)
      ? clusterAddressText(ip.text, virtual)
      : undefined;
  };
  const admitAddress = (address: HostAddress, target: Target): BackendAddress | TargetNote => {
    const ip = parseIp(address.ip);
    if (ip === undefined) return refusalNotes(`${address.ip} is not an IP address`);
    const own = address.record?.port ?? target.port;
    const refused = refusedText(ip, own);
    if (refused !== undefined) return refusalNotes(refused);
    const port = own === commonPort ? 0 : own;
    const { host, kept, record } = address;
    const origin: Origin = { target, host, ...(record && { record }) };
    const result: BackendAddress = { ip: ip.text, family: ip.family, port, kept, ...origin };
    const known = seen.get(keyOf(result));
    if (known !== undefined) {
      if (!kept || known.kept) known.origins.push(origin);
      const text = `${ip.text} is published once, through target ${known.origins[0]?.target.host}`;
      return { text, harmless: true };
    }
    if (seen.size >= most) return refusalNotes(tooMany(most));
    seen.set(keyOf(result), { kept, origins: [origin] });
    return result;
  };
  const admit = ({ target, addresses }: Answer, kept: boolean): Admitted => {
    const results = addresses
      .filter((address) => address.kept === kept)
      .map((address) => admitAddress(address, target));
    return {
      addresses: results.filter((each) => 'ip' in each),
      notes: results.filter((each) => 'text' in each),
    };
  };
  const whole = (address: BackendAddress): BackendAddress => {
    const others = seen.get(keyOf(address))?.origins.slice(1) ?? [];
    return others.length === 0 ? address : { ...address, others };
  };
  return { admit, whole };
}
