import type { Backend, ServiceSpec } from '../../api/external-backend.ts';
import { parseIp } from '../../api/ip.ts';
import { refOf, type Action } from '../kubernetes/action.ts';
import type { AddressPolicy } from '../resolution/address-policy.ts';
import type { Service } from '../kubernetes/objects.ts';

/** An external IP that the address policy refuses. */
export interface RefusedExternalIp {
  readonly ip: string;
  /** Path in the spec, such as `spec.services[0].externalIPs[1]`. */
  readonly path: string;
  /** Rule and flag, as the address policy returns them. */
  readonly why: string;
}

export interface AdmittedExternalIps {
  /** The Service of the spec without refused external IPs. */
  readonly spec: ServiceSpec;
  readonly refused: readonly RefusedExternalIp[];
}

/**
 * Decides on the external IPs of one Service of the spec. A refused one is left out of the Service; everything
 * else of the Service is written. `externalTrafficPolicy` is left out too if nothing else brings traffic from
 * outside, because the API server then refuses it.
 *
 * `loadBalancerSourceRanges` are not refused, because they limit the clients and add no address to the
 * Service. The operator sets no `loadBalancerIP`: a load balancer's controller chooses its address.
 *
 * @param index of the Service in `spec.services`
 */
export function admitExternalIps(
  backend: Pick<Backend, 'spec'>,
  service: ServiceSpec,
  index: number,
  policy: AddressPolicy,
): AdmittedExternalIps {
  const { externalIPs = [], ...rest } = service;
  const refusedWhy = refusalOf(
    policy,
    (backend.spec.ports ?? []).map(({ port }) => port),
  );
  const refused = externalIPs.flatMap((ip, i) => {
    const why = refusedWhy(ip);
    return why === undefined ? [] : [{ ip, path: `spec.services[${index}].externalIPs[${i}]`, why }];
  });
  if (refused.length === 0) return { spec: service, refused };
  const left = externalIPs.filter((ip) => !refused.some((each) => each.ip === ip));
  if (left.length > 0) return { spec: { ...rest, externalIPs: left }, refused };
  const { externalTrafficPolicy, ...inner } = rest;
  const isReached = service.type !== 'ClusterIP' && externalTrafficPolicy !== undefined;
  return { spec: { ...inner, ...(isReached && { externalTrafficPolicy }) }, refused };
}

const refusalOf =
  (policy: AddressPolicy, ports: readonly number[]) =>
  (text: string): string | undefined => {
    const ip = parseIp(text);
    return ip && policy(ip, { mode: 'ExternalIP', ports });
  };

export const refusedExternalIpText = ({ path, ip, why }: RefusedExternalIp): string =>
  `${path}: ${ip} is refused: ${why}`;

/**
 * Removes the external IPs that the operator set on a Service whose spec is not written now, because one of
 * them is refused. All of them are removed, because a later apply would not remove a list that a patch sets.
 *
 * @returns undefined if none of those that the operator set is refused
 */
export function externalIpsRemoval(
  service: Service,
  policy: AddressPolicy,
): { readonly action: Action; readonly text: string } | undefined {
  const { externalIPs = [], ports = [] } = service.spec;
  if (service.applied?.includes('externalIPs') !== true) return undefined;
  const refusedWhy = refusalOf(
    policy,
    ports.map(({ port }) => port),
  );
  const [first] = externalIPs.flatMap((ip) => {
    const why = refusedWhy(ip);
    return why === undefined ? [] : [`${ip} is refused: ${why}`];
  });
  if (first === undefined) return undefined;
  return {
    action: { op: 'setService', ref: refOf(service), spec: { externalIPs: null } },
    text: `external IPs of Service ${service.metadata.name} are removed, because ${first}`,
  };
}
