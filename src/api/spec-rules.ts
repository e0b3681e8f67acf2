import { celDialsTcp, dialsTcp } from './probe.ts';
import { maxEndpoints } from './limits.ts';
import { celOr, type AdmissionRule, type Rule } from './rule.ts';
import type { SpecShape } from './spec-shape.ts';

/**
 * Rules between fields of the spec: those of both modes (ports are probed in the same way in both), and those
 * of mode Endpoints alone.
 */
export const specRules: readonly Rule<SpecShape>[] = [
  {
    holds: ({ mode, ports }) => mode !== 'Endpoints' || ports !== undefined,
    cel: "self.mode != 'Endpoints' || has(self.ports)",
    message: 'ports is missing: mode Endpoints needs at least one, such as ports: [{port: 5432}]',
    field: 'ports',
  },
  {
    holds: ({ ports, targets }) =>
      ports === undefined || ports.length < 2 || targets.every(({ port }) => port === 0),
    cel: `!has(self.ports) || self.ports.size() < 2 || self.targets.all(target, ${celOr('target', 'port', 0)} == 0)`,
    message:
      'targets[].port is allowed only if the backend has one port: remove targets[].port, or create one ExternalBackend for each port',
    field: 'targets',
  },
  {
    holds: ({ probe }) => probe?.port === undefined || dialsTcp(probe),
    cel: `!has(self.probe) || !has(self.probe.port) || (${celDialsTcp('self.probe')})`,
    message: 'probe.port has no effect with icmp and disabled, which use no port: remove it',
    field: 'probe.port',
  },
  {
    holds: ({ probe, ports }) =>
      typeof probe?.port !== 'string' ||
      ports === undefined ||
      !dialsTcp(probe) ||
      ports.some(({ name, protocol }) => name === probe.port && protocol === 'TCP'),
    cel: `!has(self.probe) || !has(self.probe.port) || type(self.probe.port) != string || !has(self.ports) || !(${celDialsTcp('self.probe')}) || self.ports.exists(each, ${celOr('each', 'protocol', 'TCP')} == 'TCP' && has(each.name) && each.name == self.probe.port)`,
    message: 'probe.port must be the name of a TCP port in ports, or a number from 1 to 65535',
    field: 'probe.port',
  },
  {
    holds: ({ probe }) => typeof probe?.port !== 'number' || (probe.port >= 1 && probe.port <= 65535),
    cel: '!has(self.probe) || !has(self.probe.port) || type(self.probe.port) != int || (self.probe.port >= 1 && self.probe.port <= 65535)',
    message: 'probe.port must be a number from 1 to 65535, or the name of a TCP port in ports',
    field: 'probe.port',
  },
  {
    holds: ({ probe, ports }) =>
      ports === undefined ||
      probe?.port !== undefined ||
      !dialsTcp(probe) ||
      ports.some(({ protocol }) => protocol === 'TCP') ||
      (probe === undefined && ports.every((port) => port.probe !== undefined)),
    cel: `!has(self.ports) || (has(self.probe) ? has(self.probe.port) || !(${celDialsTcp('self.probe')}) : self.ports.all(each, has(each.probe))) || self.ports.exists(each, ${celOr('each', 'protocol', 'TCP')} == 'TCP')`,
    message:
      'probe cannot open a TCP connection, because no port is TCP: write probe: {icmp: {}} or probe: {disabled: {}}',
    field: 'probe',
  },
  {
    holds: ({ mode, ports, services }) =>
      mode !== 'Endpoints' ||
      !hasNodePort(ports) ||
      (services ?? []).some(({ type }) => type !== 'ClusterIP'),
    cel: `self.mode != 'Endpoints' || !has(self.ports) || !self.ports.exists(each, has(each.nodePort)) || (has(self.services) && self.services.exists(each, ${celOr('each', 'type', 'ClusterIP')} != 'ClusterIP'))`,
    message:
      'ports have a nodePort, but no Service is of type NodePort or LoadBalancer: set services[].type, or remove nodePort',
    field: 'ports',
  },
  {
    holds: ({ ports, services }) =>
      !hasNodePort(ports) || (services ?? []).filter(({ type }) => type !== 'ClusterIP').length < 2,
    cel: `!has(self.ports) || !self.ports.exists(each, has(each.nodePort)) || !has(self.services) || self.services.filter(each, ${celOr('each', 'type', 'ClusterIP')} != 'ClusterIP').size() < 2`,
    message:
      'ports have a nodePort, and two Services cannot share it: keep one Service of type NodePort or LoadBalancer, or remove nodePort',
    field: 'ports',
  },
  {
    holds: ({ services }) => {
      const ips = (services ?? []).flatMap(({ clusterIP }) => clusterIP ?? []);
      return new Set(ips).size === ips.length;
    },
    cel: '!has(self.services) || self.services.all(one, !has(one.clusterIP) || self.services.exists_one(other, has(other.clusterIP) && other.clusterIP == one.clusterIP))',
    message: 'services have the same clusterIP twice: use a different one for each Service',
    field: 'services',
  },
];

/**
 * The number of endpoints is targets x Services x port groups (ports that share one readiness). A name counts
 * as one address, because the number of its addresses is limited during resolution. Stored resources that
 * break this rule are limited there too.
 */
export const endpointsRule: AdmissionRule = {
  cel: `self.targets.size() * (has(self.services) && self.mode == 'Endpoints' ? self.services.size() : 1) * (has(self.ports) ? self.ports.filter(each, has(each.probe)).size() + (self.ports.exists(each, !has(each.probe)) ? 1 : 0) : 1) <= ${maxEndpoints}`,
  message: `targets, services and ports with their own probe multiply to more than ${maxEndpoints} endpoints: split the targets over several ExternalBackends, or remove services or ports[].probe`,
  field: 'targets',
};

type PortShape = NonNullable<SpecShape['ports']>[number];

const hasNodePort = (ports: readonly PortShape[] | undefined): boolean =>
  (ports ?? []).some(({ nodePort }) => nodePort !== undefined);
