import type { Port, ProbeSpec, Spec } from '../../api/external-backend.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import type { Check, Handler, Timing } from './check.ts';
import { handlerTraits } from './handler-kinds.ts';
import { defaultHandler, httpHandler, namedHandler } from './handler-selection.ts';
import type { ProbeSecrets } from './probe-secrets.ts';
import { timedBy } from './probe-timing.ts';

/**
 * Ports that share one readiness: all without a probe of their own, or one with its own probe. A slice
 * contains the ports of one group.
 */
export interface PortGroup {
  readonly id: string;
  readonly ports: readonly Port[];
  /** Undefined: not probed, always ready. */
  readonly probe: GroupProbe | undefined;
}

export interface GroupProbe {
  readonly handler: Handler;
  readonly timing: Timing;
  /** Text about the handler that was chosen and why, if the spec names none. */
  readonly why?: string;
  /** Text about a value that differs from the spec. */
  readonly cut?: string;
  /** The port that is probed if the target has none of its own. */
  readonly port: number;
  /** A health endpoint in addition to the database: this port is probed, whatever port the target has. */
  readonly fixed?: boolean;
}

/** Input in addition to the spec that decides how addresses are probed. */
export interface HandlerContext {
  readonly secrets: ProbeSecrets;
  /** True: a port without a handler gets one by its number or protocol; false: tcpSocket. */
  readonly choose: boolean;
}

const plainContext: HandlerContext = { secrets: {}, choose: false };

/** Returns the port groups in the order of the spec, the shared group first. */
export function portGroups(spec: Spec, context: HandlerContext = plainContext): readonly PortGroup[] {
  const ports = spec.ports ?? [];
  const shared = ports.filter((port) => port.probe === undefined);
  const single = ports.flatMap((port) =>
    port.probe === undefined
      ? []
      : [{ id: `${port.port}/${port.protocol}`, ports: [port], probe: portProbe(port, port.probe, context) }],
  );
  if (ports.length === 0) return withoutPorts(spec, context);
  if (shared.length === 0) return single;
  return [{ id: 'all', ports: shared, probe: sharedProbe(spec, ports, context) }, ...single];
}

/**
 * An alias may have no ports. The probe itself then has the port; without a port, or a probe, nothing is
 * probed.
 */
function withoutPorts(spec: Spec, context: HandlerContext): readonly PortGroup[] {
  const probe = spec.probe && sharedProbe(spec, [], context);
  if (probe === undefined || (probe.port === 0 && opensTcp(probe))) return [];
  return [{ id: 'all', ports: [], probe }];
}

/** Returns one check for every address and probed port group. */
export function checksOf(
  groups: readonly PortGroup[],
  addresses: readonly BackendAddress[],
  lagLimits: readonly number[] = [],
): readonly Check[] {
  const limits = lagLimits.length > 0 ? { lagLimits } : {};
  return groups.flatMap(({ probe, ...group }) =>
    probe === undefined
      ? []
      : addresses.map((address) => ({ ...check({ ...group, probe }, probe, address), ...limits })),
  );
}

/** Returns the lag limits of the Services, each once, in seconds, ascending. */
export const lagLimitsOf = ({ services }: Spec): readonly number[] =>
  [...new Set((services ?? []).flatMap(({ maxLagSeconds }) => maxLagSeconds ?? []))].toSorted(
    (a, b) => a - b,
  );

/**
 * Returns the id for the health of an address in a port group: the probed port, and the ports for which it is
 * probed. Another probed port makes another id. Other thresholds or another path do not.
 */
export const checkId = (group: PortGroup, address: BackendAddress): string =>
  `${address.ip}|${group.probe === undefined ? '' : dialledPort(group.probe, address)}|${group.id}`;

function check(group: PortGroup, probe: GroupProbe, address: BackendAddress): Check {
  return {
    id: checkId(group, address),
    ip: address.ip,
    family: address.family,
    port: dialledPort(probe, address),
    host: address.host,
    handler: probe.handler,
    timing: probe.timing,
  };
}

const opensTcp = ({ handler }: GroupProbe): boolean => handlerTraits[handler.kind].opensTcp;

function dialledPort(probe: GroupProbe, address: Pick<BackendAddress, 'port'>): number {
  if (!opensTcp(probe)) return 0;
  return address.port !== 0 && probe.fixed !== true ? address.port : probe.port;
}

/**
 * Returns all ports of an address to which clients are led or which are probed.
 *
 * @param own its own port; 0: the backend's
 */
export function usedPorts(groups: readonly PortGroup[], own: number): readonly number[] {
  const published = groups.flatMap(({ ports }) => ports.map((port) => (own === 0 ? dialled(port) : own)));
  const probed = groups.flatMap(({ probe }) =>
    probe === undefined ? [] : dialledPort(probe, { port: own }),
  );
  return [...new Set([...published, ...probed])];
}

const dialled = (port: Port): number => port.targetPort ?? port.port;

function portProbe(
  port: Port,
  probe: Omit<ProbeSpec, 'port'>,
  context: HandlerContext,
): GroupProbe | undefined {
  const handler = handlerOf(probe, context.secrets);
  if (handler === 'disabled') return undefined;
  const timing = timedBy(probe);
  if (handler !== undefined) return { handler, ...timing, port: dialled(port) };
  return { ...defaultHandler(port, dialled(port), context), ...timing, port: dialled(port) };
}

/**
 * Returns the probe of the shared group. The probed port:
 *
 * | probe.port                   | probed                                               |
 * |------------------------------|------------------------------------------------------|
 * | none                         | the first TCP port's targetPort, or the target's own |
 * | name or number of a TCP port | that port's targetPort, or the target's own          |
 * | any other number             | that number                                          |
 */
function sharedProbe(spec: Spec, ports: readonly Port[], context: HandlerContext): GroupProbe | undefined {
  const probe = spec.probe ?? defaultProbe;
  const handler = handlerOf(probe, context.secrets);
  if (handler === 'disabled') return undefined;
  const tcp = ports.filter((port) => port.protocol === 'TCP');
  const meant = tcp.find(({ port, name }) => [port, name ?? port].includes(probe.port ?? 0));
  const timing = timedBy(probe);
  if (meant === undefined && typeof probe.port === 'number')
    return {
      ...(handler === undefined ? defaultHandler(undefined, probe.port, context) : { handler }),
      ...timing,
      port: probe.port,
      fixed: true,
    };
  const port = meant ?? tcp[0];
  const number = port === undefined ? 0 : dialled(port);
  return {
    ...(handler === undefined ? defaultHandler(port, number, context) : { handler }),
    ...timing,
    port: number,
  };
}

const defaultProbe: ProbeSpec = { initialDelaySeconds: 0, successThreshold: 1, failureThreshold: 3 };

/** Returns the handler of the spec; undefined: the spec names none, and one is chosen. */
function handlerOf(probe: Omit<ProbeSpec, 'port'>, secrets: ProbeSecrets): Handler | 'disabled' | undefined {
  if (probe.disabled !== undefined) return 'disabled';
  if (probe.httpGet !== undefined) return httpHandler(probe.httpGet, secrets);
  return namedHandler(probe, secrets);
}
