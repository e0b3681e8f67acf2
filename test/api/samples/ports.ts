import {
  endpoints,
  port,
  ports,
  service,
  tooSmall,
  tooBig,
  type BadSample,
  type GoodSample,
} from './builders.ts';

export const badPorts: readonly BadSample[] = [
  {
    name: 'an empty port name',
    spec: port({ name: '' }),
    field: 'spec.ports[0].name',
    message: 'must be a DNS label',
  },
  {
    name: 'no ports',
    spec: { targets: [{ host: '10.20.0.11' }] },
    field: 'spec.ports',
    message: 'ports is missing',
  },
  {
    name: 'an empty list of ports',
    spec: endpoints({ ports: [] }),
    field: 'spec.ports',
    message: '>=1',
    server: 'at least 1 items',
  },
  {
    name: '33 ports',
    spec: ports(...Array.from({ length: 33 }, (_, i) => ({ name: `p${i}`, port: i + 1 }))),
    field: 'spec.ports',
    message: '<=32',
    server: 'must have at most 32 items',
  },
  { name: 'port 0', spec: ports({ port: 0 }), field: 'spec.ports[0].port', message: '>=1', server: tooSmall },
  {
    name: 'port 65536',
    spec: ports({ port: 65536 }),
    field: 'spec.ports[0].port',
    message: '<=65535',
    server: tooBig,
  },
  {
    name: 'port 5432.5',
    spec: ports({ port: 5432.5 }),
    field: 'spec.ports[0].port',
    message: 'expected int',
    server: 'must be of type integer',
  },
  {
    name: 'targetPort 0',
    spec: port({ targetPort: 0 }),
    field: 'spec.ports[0].targetPort',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'a targetPort by name',
    spec: port({ targetPort: 'pg' }),
    field: 'spec.ports[0].targetPort',
    message: 'expected',
    server: 'must be of type integer',
  },
  {
    name: 'an unknown protocol',
    spec: port({ protocol: 'QUIC' }),
    field: 'spec.ports[0].protocol',
    message: 'TCP',
    server: 'Unsupported value',
  },
  {
    name: 'an appProtocol with spaces',
    spec: port({ appProtocol: 'my sql' }),
    field: 'spec.ports[0].appProtocol',
    message: 'must be a protocol name',
  },
  {
    name: 'a port name in upper case',
    spec: port({ name: 'PG' }),
    field: 'spec.ports[0].name',
    message: 'must be a DNS label',
  },
  {
    name: 'a port name with a trailing hyphen',
    spec: port({ name: 'pg-' }),
    field: 'spec.ports[0].name',
    message: 'must be a DNS label',
  },
  {
    name: 'two ports, one without a name',
    spec: ports({ port: 1 }, { name: 'b', port: 2 }),
    field: 'spec.ports',
    message: 'ports need names',
  },
  {
    name: 'two ports of one name',
    spec: ports({ name: 'a', port: 1 }, { name: 'a', port: 2 }),
    field: 'spec.ports',
    message: 'same name twice',
  },
  {
    name: 'the same number and protocol twice',
    spec: ports({ name: 'a', port: 53 }, { name: 'b', port: 53, protocol: 'TCP' }),
    field: 'spec.ports',
    message: 'two entries with the same port and protocol',
  },
  {
    name: 'the same nodePort twice',
    spec: {
      ...service({ type: 'NodePort' }),
      ports: [
        { name: 'a', port: 1, nodePort: 30001 },
        { name: 'b', port: 2, nodePort: 30001 },
      ],
    },
    field: 'spec.ports',
    message: 'same nodePort and protocol twice',
  },
  {
    name: 'a nodePort without services',
    spec: port({ nodePort: 30001 }),
    field: 'spec.ports',
    message: 'no Service is of type NodePort',
  },
  {
    name: 'a nodePort and a ClusterIP Service',
    spec: { ...port({ nodePort: 30001 }), services: [{ name: 'db' }] },
    field: 'spec.ports',
    message: 'no Service is of type NodePort',
  },
  {
    name: 'a nodePort for two Services',
    spec: {
      ...port({ nodePort: 30001 }),
      services: [
        { name: 'a', type: 'NodePort' },
        { name: 'b', type: 'LoadBalancer' },
      ],
    },
    field: 'spec.ports',
    message: 'two Services cannot share it',
  },
  {
    name: 'nodePort 70000',
    spec: { ...port({ nodePort: 70000 }), services: [{ name: 'a', type: 'NodePort' }] },
    field: 'spec.ports[0].nodePort',
    message: '<=65535',
    server: tooBig,
  },
  {
    name: 'a target with a port of its own next to two ports',
    spec: endpoints({
      targets: [{ host: '10.20.0.11', port: 6432 }],
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
      ],
    }),
    field: 'spec.targets',
    message: 'only if the backend has one port',
  },
  {
    name: 'one host and port twice',
    spec: endpoints({ targets: [{ host: '10.20.0.11' }, { host: '10.20.0.11', port: 0 }] }),
    field: 'spec.targets',
    message: 'two entries with the same host and port',
  },
];

export const goodPorts: readonly GoodSample[] = [
  { name: 'the first and the last port', spec: ports({ name: 'a', port: 1 }, { name: 'b', port: 65535 }) },
  {
    name: 'one number for two protocols',
    spec: ports({ name: 'tcp', port: 53 }, { name: 'udp', port: 53, protocol: 'UDP' }),
  },
  {
    name: 'two ports to one targetPort',
    spec: ports({ name: 'a', port: 1, targetPort: 5432 }, { name: 'b', port: 2, targetPort: 5432 }),
  },
  { name: 'a port name of digits', spec: port({ name: '5432' }) },
  {
    name: '32 ports',
    spec: ports(...Array.from({ length: 32 }, (_, i) => ({ name: `p${i}`, port: i + 1 }))),
  },
  { name: 'an appProtocol after a domain', spec: port({ appProtocol: 'example.com/Proto_1' }) },
  {
    name: 'a probe for each port',
    spec: ports(
      { name: 'a', port: 1, probe: { httpGet: { path: '/a?b=%20' } } },
      { name: 'b', port: 2, probe: { tcpSocket: {} } },
    ),
  },
  {
    name: 'a probe of one of two ports',
    spec: ports({ name: 'a', port: 1, probe: { icmp: {} } }, { name: 'b', port: 2 }),
  },
  { name: 'UDP with icmp', spec: { ...port({ protocol: 'UDP' }), probe: { icmp: {} } } },
  { name: 'UDP with its own icmp', spec: port({ protocol: 'UDP', probe: { icmp: {} } }) },
  { name: 'SCTP without a probe', spec: { ...port({ protocol: 'SCTP' }), probe: { disabled: {} } } },
];
