import type { Port, ProbeSpec, Spec } from '../api/external-backend.ts';
import type { BackendAddress } from './address.ts';
import type { Check, Handler, Timing } from './check.ts';

/**
 * The ports that share one readiness: all without a probe of their own, or one that has its own.
 * A slice holds the ports of one group.
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
  /** The port that is dialled where the target has none of its own. */
  readonly port: number;
  /** A health endpoint beside the database: dialled whatever port the target has. */
  readonly fixed?: boolean;
}

/** Port groups in the order of the spec; the shared group first. */
export function portGroups(spec: Spec): readonly PortGroup[] {
  const ports = spec.ports ?? [];
  const shared = ports.filter((port) => port.probe === undefined);
  const single = ports.flatMap((port) =>
    port.probe === undefined
      ? []
      : [{ id: `${port.port}/${port.protocol}`, ports: [port], probe: portProbe(port, port.probe) }],
  );
  if (ports.length === 0) return withoutPorts(spec);
  if (shared.length === 0) return single;
  return [{ id: 'all', ports: shared, probe: sharedProbe(spec, ports) }, ...single];
}

/** An alias may have no ports: what its probe dials stands in the probe, and without one nothing is probed. */
function withoutPorts(spec: Spec): readonly PortGroup[] {
  const probe = spec.probe && sharedProbe(spec, []);
  if (probe === undefined || (probe.port === 0 && probe.handler.kind !== 'icmp')) return [];
  return [{ id: 'all', ports: [], probe }];
}

/** One check for every address and probed port group. */
export function checksOf(
  groups: readonly PortGroup[],
  addresses: readonly BackendAddress[],
): readonly Check[] {
  return groups.flatMap((group) =>
    group.probe === undefined ? [] : withProbe(group, group.probe, addresses),
  );
}

/**
 * The id under which the health of an address stands in a port group: what is dialled, and for which ports.
 * Another port dialled is another thing; other thresholds or another path are the same thing, asked differently.
 */
export const checkId = (group: PortGroup, address: BackendAddress): string =>
  `${address.ip}|${group.probe === undefined ? '' : dialledPort(group.probe, address)}|${group.id}`;

const withProbe = (group: PortGroup, probe: GroupProbe, addresses: readonly BackendAddress[]): Check[] =>
  addresses.map((address) => check(group, probe, address));

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

function dialledPort(probe: GroupProbe, address: BackendAddress): number {
  if (probe.handler.kind === 'icmp') return 0;
  return address.port !== 0 && probe.fixed !== true ? address.port : probe.port;
}

const dialled = (port: Port): number => port.targetPort ?? port.port;

function portProbe(port: Port, probe: Omit<ProbeSpec, 'port'>): GroupProbe | undefined {
  const handler = handlerOf(probe);
  return handler && { handler, timing: timingOf(probe), port: dialled(port) };
}

/**
 * Without a handler the probe is tcpSocket. What is dialled:
 *
 * | probe.port                         | dialled                                              |
 * |------------------------------------|------------------------------------------------------|
 * | none                               | the first TCP port's targetPort, or the target's own |
 * | name or number of a TCP port       | that port's targetPort, or the target's own          |
 * | any other number                   | that number                                          |
 */
function sharedProbe(spec: Spec, ports: readonly Port[]): GroupProbe | undefined {
  const probe = spec.probe ?? defaultProbe;
  const handler = handlerOf(probe);
  if (handler === undefined) return undefined;
  const common = { handler, timing: timingOf(probe) };
  const tcp = ports.filter((port) => port.protocol === 'TCP');
  const meant = tcp.find(({ port, name }) => [port, name ?? port].includes(probe.port ?? 0));
  if (meant === undefined && typeof probe.port === 'number')
    return { ...common, port: probe.port, fixed: true };
  const chosen = meant ?? tcp[0];
  return { ...common, port: chosen === undefined ? 0 : dialled(chosen) };
}

const defaultProbe: ProbeSpec = {
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
};

function handlerOf(probe: Omit<ProbeSpec, 'port'>): Handler | undefined {
  if (probe.disabled !== undefined) return undefined;
  if (probe.httpGet !== undefined) return { kind: 'httpGet', request: probe.httpGet };
  if (probe.icmp !== undefined) return { kind: 'icmp' };
  return { kind: 'tcpSocket' };
}

const timingOf = (probe: Omit<ProbeSpec, 'port'>): Timing => ({
  initialDelayMs: probe.initialDelaySeconds * 1000,
  periodMs: probe.periodSeconds * 1000,
  timeoutMs: probe.timeoutSeconds * 1000,
  successThreshold: probe.successThreshold,
  failureThreshold: probe.failureThreshold,
});
