import {
  endpoints,
  alias,
  srv,
  twoPorts,
  aliasService,
  names,
  none,
  needsNumber,
  type BadSample,
  type GoodSample,
} from './builders.ts';

export const badAliases: readonly BadSample[] = [
  {
    name: 'an alias of an address',
    spec: alias({ targets: [{ host: '10.20.0.11' }] }),
    field: 'spec.targets',
    message: 'not IP addresses',
  },
  {
    name: 'an alias of a name and an address',
    spec: alias({ targets: [{ host: 'a.example.com' }, { host: '2001:db8::1' }] }),
    field: 'spec.targets',
    message: 'not IP addresses',
  },
  {
    name: 'an alias of no host',
    spec: alias({ targets: [] }),
    field: 'spec.targets',
    message: '>=1',
    server: 'at least 1 items',
  },
  {
    name: 'an alias of 513 hosts',
    spec: alias({ targets: names(513) }),
    field: 'spec.targets',
    message: '<=512',
    server: 'must have at most 512 items',
  },
  {
    name: 'an alias of one name twice',
    spec: alias({ targets: [{ host: 'a.example.com' }, { host: 'a.example.com' }] }),
    field: 'spec.targets',
    message: 'two entries with the same host and port',
  },
  {
    name: 'an alias of an SRV record',
    spec: alias({ targets: [{ host: srv }] }),
    field: 'spec.targets',
    message: 'underscore',
  },
  {
    name: 'an alias whose second host is an SRV record, next to two ports',
    spec: alias({ targets: [{ host: 'a.example.com' }, { host: srv }], ports: twoPorts }),
    field: 'spec.targets',
    message: 'underscore',
  },
  {
    name: 'an alias of a host with an underscore',
    spec: alias({ targets: [{ host: 'my_db.example.com' }] }),
    field: 'spec.targets',
    message: 'underscore',
  },
  {
    name: 'an alias of one label, for which clients have no search list',
    spec: alias({ targets: [{ host: 'db.example.com' }, { host: 'db' }] }),
    field: 'spec.targets',
    message: 'without a dot',
  },
  ...[
    ...['localhost', 'LocalHost.', 'db.localhost', 'localhost6', 'localhost.localdomain', 'db.localdomain'],
    ...['0x7f000001', '0X7F000001.', '127.0.0x1', '10.0x60', 'db.example.0xff', '0x'],
  ].map((name) => ({
    name: `an alias of ${name}, which means the client's own machine or an address`,
    spec: alias({ targets: [{ host: 'db.example.com' }, { host: name }] }),
    field: 'spec.targets',
    message: "each client's own machine",
  })),
  ...['db.shop.svc', 'DB.shop.SVC.'].map((name) => ({
    name: `an alias of ${name}, which has no domain`,
    spec: alias({ targets: [{ host: name }] }),
    field: 'spec.targets',
    message: 'ends in .svc',
  })),
  {
    name: 'an alias with a target port',
    spec: alias({ targets: [{ host: 'a.example.com', port: 1 }] }),
    field: 'spec.targets',
    message: `targets[].port ${none}`,
  },
  {
    name: 'an alias with a target name',
    spec: alias({ targets: [{ host: 'a.example.com', name: 'a' }] }),
    field: 'spec.targets',
    message: `targets[].name ${none}`,
  },
  {
    name: 'an alias with a zone',
    spec: alias({ targets: [{ host: 'a.example.com', zone: 'a' }] }),
    field: 'spec.targets',
    message: `targets[].zone ${none}`,
  },
  {
    name: 'an alias with a priority',
    spec: alias({ targets: [{ host: 'a.example.com', priority: 1 }] }),
    field: 'spec.targets',
    message: 'targets[].priority has no effect in mode ExternalName, because the order of targets',
  },
  {
    name: 'an alias with another targetPort',
    spec: alias({ ports: [{ port: 5432, targetPort: 6432 }] }),
    field: 'spec.ports',
    message: 'targetPort must equal port',
  },
  {
    name: 'an alias with a nodePort',
    spec: alias({ ports: [{ port: 5432, nodePort: 30001 }] }),
    field: 'spec.ports',
    message: `nodePort ${none}`,
  },
  {
    name: 'an alias without ports, with a probe of timing only',
    spec: alias({ probe: { periodSeconds: 5 } }),
    field: 'spec.probe.port',
    message: needsNumber,
  },
  {
    name: 'an alias without ports, with tcpSocket',
    spec: alias({ probe: { tcpSocket: {} } }),
    field: 'spec.probe.port',
    message: needsNumber,
  },
  {
    name: 'an alias without ports, with httpGet of a port by name',
    spec: alias({ probe: { httpGet: {}, port: 'http' } }),
    field: 'spec.probe.port',
    message: needsNumber,
  },
  {
    name: 'an alias without ports, with a probe of port 0',
    spec: alias({ probe: { port: 0 } }),
    field: 'spec.probe.port',
    message: 'number from 1 to 65535',
  },
  {
    name: 'an alias without ports, with a port for icmp',
    spec: alias({ probe: { icmp: {}, port: 5432 } }),
    field: 'spec.probe.port',
    message: 'probe.port has no effect with icmp',
  },
  {
    name: 'an alias with a probe of a port that it does not have',
    spec: alias({ ports: [{ name: 'pg', port: 5432 }], probe: { port: 'http' } }),
    field: 'spec.probe.port',
    message: 'name of a TCP port',
  },
  {
    name: 'an alias with UDP alone and no probe',
    spec: alias({ ports: [{ port: 53, protocol: 'UDP' }] }),
    field: 'spec.probe',
    message: 'no port is TCP',
  },
  {
    name: 'an alias with tcpSocket of a UDP port',
    spec: alias({ ports: [{ port: 53, protocol: 'UDP', probe: { tcpSocket: {} } }] }),
    field: 'spec.ports[0].probe',
    message: 'cannot open a TCP connection',
  },
  ...(
    [
      ['type', 'NodePort'],
      ['headless', true],
      ['clusterIP', '10.96.0.20'],
      ['ipFamilies', ['IPv4']],
      ['ipFamilyPolicy', 'SingleStack'],
      ['sessionAffinity', 'None'],
      ['internalTrafficPolicy', 'Cluster'],
      ['trafficDistribution', 'PreferClose'],
      ['externalIPs', ['198.51.100.7']],
      ['publishNotReadyAddresses', true],
      ['whenNoneReady', 'KeepLast'],
      ['selector', { app: 'db' }],
    ] as const
  ).map(([field, value]) => ({
    name: `an alias with ${field}`,
    spec: aliasService({ [field]: value }),
    field: 'spec.services',
    message: `services[].${field} ${none}`,
  })),
];

export const goodAliases: readonly GoodSample[] = [
  { name: 'an alias', spec: alias() },
  {
    name: 'an alias in capitals with a trailing dot',
    spec: alias({ targets: [{ host: 'DB.Example.COM.' }] }),
  },
  { name: 'an alias of one label that is complete', spec: alias({ targets: [{ host: 'db.' }] }) },
  {
    name: 'an alias of a name that begins with svc',
    spec: alias({ targets: [{ host: 'svc.example' }, { host: 'my.xsvc' }] }),
  },
  {
    name: 'an alias of a Service in another namespace',
    spec: alias({ targets: [{ host: 'db.shop.svc.cluster.local' }] }),
  },
  { name: 'an alias of a name with digits', spec: alias({ targets: [{ host: '3com.1-2.4x' }] }) },
  {
    name: 'an alias with ports',
    spec: alias({
      ports: [
        { name: 'a', port: 5432, targetPort: 5432 },
        { name: 'b', port: 53, protocol: 'UDP', probe: { disabled: {} } },
      ],
    }),
  },
  {
    name: 'an alias of two hosts that fails back at once',
    spec: alias({ targets: names(2), failbackSeconds: 0, dns: { families: ['IPv4'] } }),
  },
  {
    name: 'an alias of 512 hosts that fails back after a day',
    spec: alias({ targets: names(512), failbackSeconds: 86400 }),
  },
  { name: 'failbackSeconds in mode Endpoints', spec: endpoints({ failbackSeconds: 30 }) },
  {
    name: 'an alias with a host that drains',
    spec: alias({ targets: [{ host: 'a.example.com', drain: true }, { host: 'b.example.com' }] }),
  },
  { name: 'an alias without ports, with a probe port', spec: alias({ probe: { port: 5432 } }) },
  {
    name: 'an alias without ports, with httpGet of a probe port',
    spec: alias({ probe: { port: 8008, httpGet: { path: '/primary' } } }),
  },
  { name: 'an alias without ports, with icmp', spec: alias({ probe: { icmp: {} } }) },
  {
    name: 'an alias with ports and a probe by name',
    spec: alias({ ports: [{ name: 'pg', port: 5432 }], probe: { port: 'pg', periodSeconds: 5 } }),
  },
  {
    name: 'an alias with ports and a probe without a port',
    spec: alias({ ports: [{ port: 5432 }], probe: { tcpSocket: {} } }),
  },
  {
    name: 'an alias with a probe for each port',
    spec: alias({
      ports: [
        { name: 'a', port: 5432, probe: { tcpSocket: {} } },
        { name: 'b', port: 53, protocol: 'UDP', probe: { icmp: {} } },
      ],
    }),
  },
  {
    name: 'an alias with UDP alone and icmp',
    spec: alias({ ports: [{ port: 53, protocol: 'UDP' }], probe: { icmp: {} } }),
  },
  { name: 'an alias that is expressly not probed', spec: alias({ probe: { disabled: {} } }) },
  {
    name: 'two aliases with labels, one adopted',
    spec: alias({
      services: [
        { name: 'a', labels: { team: 'x' } },
        { name: 'b', adopt: true, annotations: { note: 'ä; b' } },
      ],
    }),
  },
];
