import type { Port, ServiceSpec } from '../../api/external-backend.ts';
import { annotationKeysOf } from '../resolution/names-annotation.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import { hintsOf, writesHints } from './hints.ts';
import type { Endpoint, EndpointPort } from '../kubernetes/objects.ts';
import { leadingTarget } from '../resolution/origins.ts';
import type { PortChoice } from './port-choice.ts';
import type { MembersInput } from './service-members.ts';
import type { SliceGroup } from './slices.ts';

/**
 * Returns one group per family and per set of port numbers. A target with its own port has a set of its own.
 */
export function sliceGroups(
  group: PortGroup,
  spec: ServiceSpec,
  input: Pick<MembersInput, 'addresses' | 'roles'>,
  { ready, kept }: Pick<PortChoice, 'ready' | 'kept'>,
): readonly SliceGroup[] {
  const sets = Map.groupBy(input.addresses, (address) => `${address.family} ${address.port}`);
  const isOpen = new Set(spec.publishNotReadyAddresses ? input.addresses : kept);
  return [...sets.values()].flatMap((addresses) => {
    const first = addresses[0];
    if (first === undefined) return [];
    const ports = group.ports.map((port) => endpointPort(port, first.port));
    const members = addresses.map((address) => ({ address, isReady: ready.has(address) }));
    const endpoints = members.map(({ address, isReady }) =>
      endpoint(address, spec, isReady || isOpen.has(address), input),
    );
    const notReady = new Set(
      members.flatMap(({ address, isReady }) => (!isReady && isOpen.has(address) ? [address.ip] : [])),
    );
    const names = new Map(
      addresses.flatMap((address) => {
        const all = annotationKeysOf(address);
        return all.length === 0 ? [] : [[address.ip, all] as const];
      }),
    );
    const marks = { ...(names.size > 0 && { names }), ...(notReady.size > 0 && { notReady }) };
    return [{ family: first.family, ports, endpoints, ...marks }];
  });
}

const endpointPort = (port: Port, targetsOwn: number): EndpointPort => ({
  name: port.name ?? '',
  port: targetsOwn === 0 ? (port.targetPort ?? port.port) : targetsOwn,
  protocol: port.protocol,
  ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
});

/**
 * Builds an endpoint: `ready` and `serving` if clients are to use it, and neither if they are not. Consumers
 * differ in which of the two they read.
 */
function endpoint(
  address: BackendAddress,
  spec: ServiceSpec,
  published: boolean,
  { roles }: Pick<MembersInput, 'roles'>,
): Endpoint {
  const { name, zone } = leadingTarget(address, spec.role, roles.isGiven(address));
  const hints = writesHints(spec) ? hintsOf(zone, published) : undefined;
  return {
    addresses: [address.ip],
    conditions: { ready: published, serving: published, terminating: false },
    ...(name !== undefined && { hostname: name }),
    ...(zone !== undefined && { zone }),
    ...(hints !== undefined && { hints }),
  };
}
