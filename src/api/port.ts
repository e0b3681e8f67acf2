import { z } from 'zod';
import { atomicObject } from './object-fields.ts';
import { celDialsTcp, dialsTcp, portProbeSchema } from './probe.ts';
import { celOr, distinct, matches, uniqueList, withRules, type Rule } from './rule.ts';
import { dnsLabel, qualifiedName, qualifiedNameLength } from './patterns.ts';

const celProtocol = (port: string): string => celOr(port, 'protocol', 'TCP');

const portNumber = z.int32().min(1).max(65535);

const portShape = z
  .object({
    name: withRules(z.string().max(63), [
      matches(dnsLabel, 'name must be a DNS label: lower-case letters, digits and -, such as postgres'),
    ])
      .optional()
      .describe('Name of the port in the Service. Required if there are two or more ports.'),
    port: portNumber.describe('Port that applications connect to.'),
    targetPort: portNumber
      .optional()
      .describe(
        'Port that the servers listen on. Default: the value of port. Addresses of an SRV record have their own ports.',
      ),
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP').describe('Protocol of the port.'),
    appProtocol: withRules(z.string().max(qualifiedNameLength), [
      matches(
        qualifiedName,
        'appProtocol must be a protocol name such as postgresql, or a name with a domain prefix such as example.com/proto',
      ),
    ])
      .optional()
      .describe(
        'Application protocol of the port, for proxies and service meshes. It is copied to the Service and its EndpointSlices.',
      ),
    nodePort: portNumber
      .optional()
      .describe(
        'Fixed port on every node. Needs exactly one Service of type NodePort or LoadBalancer in services.',
      ),
    probe: atomicObject(portProbeSchema),
  })
  .describe('One port of the Services.');

export type Port = z.output<typeof portShape>;

const probeFitsProtocol: Rule<Port> = {
  holds: ({ probe, protocol }) => protocol === 'TCP' || probe === undefined || !dialsTcp(probe),
  cel: `${celProtocol('self')} == 'TCP' || !has(self.probe) || !(${celDialsTcp('self.probe')})`,
  message: 'probe of a UDP or SCTP port cannot open a TCP connection: use icmp: {} or disabled: {}',
  field: 'probe',
};

export const portSchema = withRules(portShape, [probeFitsProtocol]);

const names = (ports: readonly Port[]): readonly string[] => ports.flatMap(({ name }) => name ?? []);
const nodePorts = (ports: readonly Port[]): readonly string[] =>
  ports.flatMap(({ nodePort, protocol }) => (nodePort === undefined ? [] : [`${nodePort}/${protocol}`]));

const portListRules: readonly Rule<Port[]>[] = [
  {
    holds: (ports) => ports.length < 2 || ports.every(({ name }) => name !== undefined),
    cel: 'self.size() < 2 || self.all(each, has(each.name))',
    message: 'ports need names if there are two or more: give every port a name',
  },
  {
    holds: (ports) => distinct(names(ports)),
    cel: 'self.all(one, !has(one.name) || self.exists_one(other, has(other.name) && other.name == one.name))',
    message: 'ports have the same name twice: give every port a different name',
  },
  {
    holds: (ports) => distinct(nodePorts(ports)),
    cel: `self.all(one, !has(one.nodePort) || self.exists_one(other, has(other.nodePort) && other.nodePort == one.nodePort && ${celProtocol('other')} == ${celProtocol('one')}))`,
    message: 'ports have the same nodePort and protocol twice: give every port a different nodePort',
  },
];

export const portsSchema = withRules(
  uniqueList(
    z
      .array(portSchema)
      .min(1)
      .max(32)
      .describe(
        'Ports of the Services. Required in mode Endpoints. In mode ExternalName they are optional, because an alias translates no ports: they select what is probed, and are copied to the Service.',
      ),
    'ports',
    ['port', 'protocol'],
    `self.all(one, self.exists_one(other, other.port == one.port && ${celProtocol('other')} == ${celProtocol('one')}))`,
  ),
  portListRules,
);
