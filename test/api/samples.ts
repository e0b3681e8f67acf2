import { handlers } from '../../src/api/probe.ts';
import { parts, sharedParts, specWith } from '../support/parts.ts';

/** One spec that must be refused, by zod and by the API server. */
export interface BadSample {
  readonly name: string;
  readonly spec: unknown;
  readonly resourceName?: string;
  /** Where the problem is reported. */
  readonly field: string;
  /** A part of the message. */
  readonly message: string;
  /** A part of the API server's message, where it refuses by its own means (bounds, enums, keys, types). */
  readonly server?: string;
  /** Zod takes it: what is stored already is cut where addresses are resolved. */
  readonly admissionOnly?: true;
}

export interface GoodSample {
  readonly name: string;
  readonly spec: unknown;
  readonly resourceName?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** A good spec in mode Endpoints, with other fields. */
const endpoints = (fields: Fields = {}): Fields => ({
  targets: [{ host: '10.20.0.11' }],
  ports: [{ port: 5432 }],
  ...fields,
});
const alias = (fields: Fields = {}): Fields => ({
  mode: 'ExternalName',
  targets: [{ host: 'db.example.com' }],
  ...fields,
});
const host = (text: unknown): Fields => endpoints({ targets: [{ host: text }] });
const target = (fields: Fields): Fields => endpoints({ targets: [{ host: '10.20.0.11', ...fields }] });
const port = (fields: Fields): Fields => endpoints({ ports: [{ port: 5432, ...fields }] });
const ports = (...list: readonly Fields[]): Fields => endpoints({ ports: list });
const probe = (fields: Fields): Fields => endpoints({ probe: fields });
const httpGet = (fields: Fields): Fields => probe({ httpGet: fields });
const service = (fields: Fields): Fields => endpoints({ services: [{ name: 'db', ...fields }] });
const srv = '_postgresql._tcp.db.example.com';
const srvTarget = (fields: Fields = {}): Fields => endpoints({ targets: [{ host: srv, ...fields }] });
const dns = (fields: Fields): Fields => endpoints({ targets: [{ host: 'db.example.com' }], dns: fields });
const twoPorts: readonly Fields[] = [
  { name: 'a', port: 1 },
  { name: 'b', port: 2 },
];
const aliasService = (fields: Fields): Fields => alias({ services: [{ name: 'db', ...fields }] });
const addresses = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ host: `10.21.${i >> 8}.${i & 255}` }));

const names = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ host: `db-${i}.example.com` }));

/** Headers that have so many characters each, in name and value. */
const headers = (count: number, characters: number): readonly Fields[] =>
  Array.from({ length: count }, () => ({ name: 'X', value: 'a'.repeat(characters - 1) }));

const tooSmall = 'should be greater than or equal to';
const tooBig = 'should be less than or equal to';

const badHosts: readonly (readonly [name: string, text: string, message: string])[] = [
  ['loopback', '127.0.0.1', 'host is a loopback address'],
  ['another loopback', '127.8.9.10', 'host is a loopback address'],
  ['IPv6 loopback', '::1', 'host is a loopback address'],
  ['IPv6 loopback written out', '0:0:0:0:0:0:0:1', 'host is a loopback address'],
  ['unspecified', '0.0.0.0', 'host is an unspecified address'],
  ['IPv6 unspecified', '::', 'host is an unspecified address'],
  ['link-local', '169.254.1.1', 'host is a link-local address'],
  ['the metadata service', '169.254.169.254', 'host is a link-local address'],
  ['IPv6 link-local', 'fe80::1', 'host is a link-local address'],
  ['the last IPv6 link-local', 'FEBF::1', 'host is a link-local address'],
  ['multicast', '239.1.2.3', 'host is a multicast or broadcast address'],
  ['link-local multicast', '224.0.0.251', 'host is a multicast or broadcast address'],
  ['IPv6 multicast', 'ff02::1', 'host is a multicast or broadcast address'],
  ['broadcast', '255.255.255.255', 'host is a multicast or broadcast address'],
  ['IPv4-mapped', '::ffff:10.0.0.1', 'IPv4-mapped'],
  ['IPv4-mapped in hexadecimal', '0:0:0:0:0:FFFF:a00:1', 'IPv4-mapped'],
  ['a zone', 'fe80::1%eth0', 'has an IPv6 zone'],
  ['a number above 255', '10.0.0.256', 'mistyped IPv4'],
  ['leading zeros', '010.0.0.1', 'mistyped IPv4'],
  ['three numbers', '1.2.3', 'mistyped IPv4'],
  ['five numbers', '1.2.3.4.5', 'mistyped IPv4'],
  ['one number', '167772161', 'mistyped IPv4'],
  ['an IPv4 address with a trailing dot', '10.0.0.1.', 'mistyped IPv4'],
  ['a name that ends in digits', 'db.example.1', 'mistyped IPv4'],
  ['a port', 'db.example.com:5432', 'no scheme, port, path'],
  ['an address with a port', '10.0.0.1:5432', 'no scheme, port, path'],
  ['a URL', 'http://db.example.com', 'no scheme, port, path'],
  ['a network', '10.0.0.0/24', 'no scheme, port, path'],
  ['brackets', '[2001:db8::1]', 'no scheme, port, path'],
  ['spaces', ' 10.0.0.1', 'no scheme, port, path'],
  ['two double colons', '2001::db8::1', 'no scheme, port, path'],
  ['an empty label', 'db..example.com', 'no scheme, port, path'],
  ['a label that begins with a hyphen', '-db.example.com', 'no scheme, port, path'],
  ['a label of 64 characters', `${'a'.repeat(64)}.example.com`, 'no scheme, port, path'],
  ['a wildcard', '*.example.com', 'no scheme, port, path'],
  ['an umlaut', 'dätenbank.example.com', 'no scheme, port, path'],
];

const metadataServices: readonly (readonly [name: string, text: string])[] = [
  ['Azure', '168.63.129.16'],
  ['Alibaba Cloud', '100.100.100.200'],
  ['Oracle Cloud', '192.0.0.192'],
  ['AWS over IPv6', 'fd00:ec2::254'],
  ['AWS over IPv6 in another spelling', 'FD00:0EC2:0:0::0254'],
  ['containers of AWS over IPv6', 'fd00:ec2::23'],
  ['Google Cloud over IPv6', 'fd20:ce::254'],
  ['Scaleway over IPv6', 'fd00:42::42'],
  ['the network of AWS over IPv6', 'fd00:ec2:ffff:ffff::1'],
  ['the network of Google Cloud over IPv6', 'fd20:ce:1::1'],
  ['the network of Oracle Cloud', '192.0.0.1'],
];

const reservedAddresses = ['0.0.0.1', '0.255.255.255', '240.0.0.1', '255.255.255.254', 'fec0::1', 'FEFF::1'];

const services = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ name: `s${i}` }));

const probedPorts = (count: number): readonly Fields[] =>
  Array.from({ length: count }, (_, i) => ({ name: `p${i}`, port: i + 1, probe: { tcpSocket: {} } }));

const tooManyEndpoints: readonly (readonly [name: string, spec: Fields])[] = [
  ['501 targets and 16 Services', endpoints({ targets: addresses(501), services: services(16) })],
  [
    '251 targets, 16 Services, a probed port and another one',
    endpoints({
      targets: addresses(251),
      services: services(16),
      ports: [...probedPorts(1), { name: 'a', port: 99 }],
    }),
  ],
  [
    '251 names, 16 Services and 2 probed ports',
    endpoints({ targets: names(251), services: services(16), ports: probedPorts(2) }),
  ],
  ['251 targets and 32 probed ports', endpoints({ targets: addresses(251), ports: probedPorts(32) })],
  [
    '16 targets, 16 Services, 31 probed ports and another one',
    endpoints({
      targets: addresses(16),
      services: services(16),
      ports: [...probedPorts(31), { name: 'a', port: 99 }],
    }),
  ],
  ['an alias of 251 names with 32 probed ports', alias({ targets: names(251), ports: probedPorts(32) })],
];

const admissionOnly: readonly BadSample[] = [
  ...['10.0.0.7/8', '198.51.100.7/31', '2001:db8::1/32', '0.0.0.1/0'].map((network) => ({
    name: `a source range with bits set after the prefix: ${network}`,
    spec: service({ type: 'LoadBalancer', loadBalancerSourceRanges: [network] }),
    field: 'spec.services[0].loadBalancerSourceRanges[0]',
    message: 'must not have bits set after the prefix',
    admissionOnly: true as const,
  })),
  ...metadataServices.map(([name, text]) => ({
    name: `host: the metadata service of ${name}`,
    spec: host(text),
    field: 'spec.targets[0].host',
    message: 'host is a cloud metadata address',
    admissionOnly: true as const,
  })),
  ...reservedAddresses.map((text) => ({
    name: `host: the reserved address ${text}`,
    spec: host(text),
    field: 'spec.targets[0].host',
    message: 'host is a reserved address',
    admissionOnly: true as const,
  })),
  {
    name: 'an external IP that is a metadata service',
    spec: service({ externalIPs: ['100.100.100.200'] }),
    field: 'spec.services[0].externalIPs[0]',
    message: 'externalIPs entry is a cloud metadata address',
    admissionOnly: true,
  },
  ...tooManyEndpoints.map(([name, spec]) => ({
    name: `more than 8000 endpoints: ${name}`,
    spec,
    field: 'spec.targets',
    message: 'multiply to more than 8000 endpoints',
    admissionOnly: true as const,
  })),
];

const bounds: readonly BadSample[] = [
  {
    name: 'an empty host',
    spec: host(''),
    field: 'spec.targets[0].host',
    message: 'must be an IP address or a DNS name',
  },
  {
    name: 'a host of 254 characters',
    spec: host(`${'a.'.repeat(126)}aa`),
    field: 'spec.targets[0].host',
    message: '<=253',
    server: '253',
  },
  {
    name: 'a host that is a number',
    spec: host(5),
    field: 'spec.targets[0].host',
    message: 'expected string',
    server: 'must be of type string',
  },
  {
    name: 'a target without a host',
    spec: endpoints({ targets: [{}] }),
    field: 'spec.targets[0].host',
    message: 'expected string',
    server: 'Required value',
  },
  {
    name: 'no targets',
    spec: { ports: [{ port: 1 }] },
    field: 'spec.targets',
    message: 'expected array',
    server: 'Required value',
  },
  {
    name: 'an empty list of targets',
    spec: endpoints({ targets: [] }),
    field: 'spec.targets',
    message: '>=1',
    server: 'at least 1 items',
  },
  {
    name: '513 targets',
    spec: endpoints({ targets: addresses(513) }),
    field: 'spec.targets',
    message: '<=512',
    server: 'must have at most 512 items',
  },
  {
    name: 'a target port of 65536',
    spec: target({ port: 65536 }),
    field: 'spec.targets[0].port',
    message: '<=65535',
    server: tooBig,
  },
  {
    name: 'a negative target port',
    spec: target({ port: -1 }),
    field: 'spec.targets[0].port',
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'a target name with a dot',
    spec: target({ name: 'a.b' }),
    field: 'spec.targets[0].name',
    message: 'must be a DNS label',
  },
  {
    name: 'a target name in upper case',
    spec: target({ name: 'A' }),
    field: 'spec.targets[0].name',
    message: 'must be a DNS label',
  },
  {
    name: 'a target name of 64 characters',
    spec: target({ name: 'a'.repeat(64) }),
    field: 'spec.targets[0].name',
    message: '<=63',
    server: '63',
  },
  {
    name: 'an empty zone',
    spec: target({ zone: '' }),
    field: 'spec.targets[0].zone',
    message: 'must be a label value',
  },
  {
    name: 'an empty port name',
    spec: port({ name: '' }),
    field: 'spec.ports[0].name',
    message: 'must be a DNS label',
  },
  {
    name: 'a zone with a slash',
    spec: target({ zone: 'eu/west' }),
    field: 'spec.targets[0].zone',
    message: 'must be a label value',
  },
  {
    name: 'drain that is a string',
    spec: target({ drain: 'yes' }),
    field: 'spec.targets[0].drain',
    message: 'expected boolean',
    server: 'must be of type boolean',
  },
  {
    name: 'an unknown mode',
    spec: endpoints({ mode: 'Proxy' }),
    field: 'spec.mode',
    message: 'Endpoints',
    server: 'Unsupported value',
  },
  {
    name: 'suspend that is null',
    spec: endpoints({ suspend: 'no' }),
    field: 'spec.suspend',
    message: 'expected boolean',
    server: 'must be of type boolean',
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
    name: 'an empty list of services',
    spec: endpoints({ services: [] }),
    field: 'spec.services',
    message: '>=1',
    server: 'at least 1 items',
  },
  {
    name: '17 services',
    spec: endpoints({ services: Array.from({ length: 17 }, (_, i) => ({ name: `s${i}` })) }),
    field: 'spec.services',
    message: '<=16',
    server: 'must have at most 16 items',
  },
];

const badPorts: readonly BadSample[] = [
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
    name: 'a target with a port of its own beside two ports',
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

const badNames: readonly BadSample[] = [
  {
    name: 'an SRV record beside two ports',
    spec: endpoints({ targets: [{ host: srv }], ports: twoPorts }),
    field: 'spec.targets',
    message: 'keep one entry in ports',
  },
  {
    name: 'an SRV record among names and addresses beside two ports',
    spec: endpoints({
      targets: [{ host: '10.20.0.11' }, { host: 'db.example.com' }, { host: '_a._b.c.' }],
      ports: twoPorts,
    }),
    field: 'spec.targets',
    message: 'may have the form _service._proto.name only if the backend has one port',
  },
  {
    name: 'an SRV record with a port of its own',
    spec: srvTarget({ port: 5433 }),
    field: 'spec.targets',
    message: 'targets[].port has no effect if the host has the form _service._proto.name',
  },
  {
    name: 'an SRV record without ports',
    spec: { targets: [{ host: srv }] },
    field: 'spec.ports',
    message: 'ports is missing',
  },
  {
    name: 'an SRV record whose name ends in digits',
    spec: host('_a._tcp.10.0.0.1'),
    field: 'spec.targets[0].host',
    message: 'mistyped IPv4',
  },
  {
    name: 'an SRV record with a port in its text',
    spec: endpoints({ targets: [{ host: '_a._tcp.db:5432' }], ports: twoPorts }),
    field: 'spec.targets[0].host',
    message: 'no scheme, port, path',
  },
  {
    name: 'a name with a port of its own beside two ports',
    spec: endpoints({ targets: [{ host: 'db.example.com', port: 5433 }], ports: twoPorts }),
    field: 'spec.targets',
    message: 'only if the backend has one port',
  },
  {
    name: 'one name twice',
    spec: endpoints({ targets: [{ host: 'db.example.com' }, { host: 'db.example.com' }] }),
    field: 'spec.targets',
    message: 'two entries with the same host and port',
  },
  {
    name: 'a refresh of 0 seconds',
    spec: dns({ minRefreshSeconds: 0 }),
    field: 'spec.dns.minRefreshSeconds',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'a least refresh of 3601 seconds',
    spec: dns({ minRefreshSeconds: 3601, maxRefreshSeconds: 86400 }),
    field: 'spec.dns.minRefreshSeconds',
    message: '<=3600',
    server: tooBig,
  },
  {
    name: 'a refresh of half a second',
    spec: dns({ minRefreshSeconds: 0.5 }),
    field: 'spec.dns.minRefreshSeconds',
    message: 'expected int',
    server: 'must be of type integer',
  },
  {
    name: 'a longest refresh of 0 seconds',
    spec: dns({ minRefreshSeconds: 1, maxRefreshSeconds: 0 }),
    field: 'spec.dns.maxRefreshSeconds',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'a longest refresh of 86401 seconds',
    spec: dns({ maxRefreshSeconds: 86401 }),
    field: 'spec.dns.maxRefreshSeconds',
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'a least refresh longer than the longest',
    spec: dns({ minRefreshSeconds: 61, maxRefreshSeconds: 60 }),
    field: 'spec.dns.minRefreshSeconds',
    message: 'greater than maxRefreshSeconds',
  },
  {
    name: 'a least refresh longer than the longest by default',
    spec: dns({ minRefreshSeconds: 301 }),
    field: 'spec.dns.minRefreshSeconds',
    message: '(default 300)',
  },
  {
    name: 'a longest refresh shorter than the least by default',
    spec: dns({ maxRefreshSeconds: 4 }),
    field: 'spec.dns.minRefreshSeconds',
    message: 'greater than maxRefreshSeconds',
  },
  {
    name: 'dns of one family twice',
    spec: dns({ families: ['IPv6', 'IPv6'] }),
    field: 'spec.dns.families',
    message: 'same family twice',
  },
  {
    name: 'dns of no family',
    spec: dns({ families: [] }),
    field: 'spec.dns.families',
    message: '>=1',
    server: 'at least 1 items',
  },
  {
    name: 'dns of three families',
    spec: dns({ families: ['IPv4', 'IPv6', 'IPv4'] }),
    field: 'spec.dns.families',
    message: '<=2',
    server: 'must have at most 2 items',
  },
  {
    name: 'dns of a record type',
    spec: dns({ families: ['AAAA'] }),
    field: 'spec.dns.families[0]',
    message: 'IPv4',
    server: 'Unsupported value',
  },
  {
    name: 'a negative staleness',
    spec: dns({ staleSeconds: -1 }),
    field: 'spec.dns.staleSeconds',
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'a staleness beyond 30 days',
    spec: dns({ staleSeconds: 2_592_001 }),
    field: 'spec.dns.staleSeconds',
    message: '<=2592000',
    server: tooBig,
  },
  {
    name: 'a negative keepSeconds',
    spec: dns({ keepSeconds: -1 }),
    field: 'spec.dns.keepSeconds',
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'addresses kept for more than a day',
    spec: dns({ keepSeconds: 86401 }),
    field: 'spec.dns.keepSeconds',
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'a negative failbackSeconds',
    spec: alias({ failbackSeconds: -1 }),
    field: 'spec.failbackSeconds',
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'a failback of more than a day',
    spec: alias({ failbackSeconds: 86401 }),
    field: 'spec.failbackSeconds',
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'a failback as a duration',
    spec: alias({ failbackSeconds: '30s' }),
    field: 'spec.failbackSeconds',
    message: 'expected',
    server: 'must be of type integer',
  },
];

const badProbes: readonly BadSample[] = [
  {
    name: 'two handlers',
    spec: probe({ tcpSocket: {}, icmp: {} }),
    field: 'spec.probe',
    message: 'more than one handler',
  },
  {
    name: 'a handler beside disabled',
    spec: probe({ httpGet: {}, disabled: {} }),
    field: 'spec.probe',
    message: 'more than one handler',
  },
  {
    name: 'an unknown handler',
    spec: probe({ memcached: {} }),
    field: 'spec.probe',
    message: 'unknown field (memcached)',
    server: 'unknown field "spec.probe.memcached"',
  },
  {
    name: 'an unknown handler of a port',
    spec: port({ probe: { memcached: {} } }),
    field: 'spec.ports[0].probe',
    message: 'unknown field (memcached)',
    server: 'unknown field "spec.ports[0].probe.memcached"',
  },
  {
    name: 'two handlers of a port',
    spec: port({ probe: { icmp: {}, httpGet: {} } }),
    field: 'spec.ports[0].probe',
    message: 'more than one handler',
  },
  {
    name: 'a probe port beyond 65535',
    spec: probe({ port: 65536 }),
    field: 'spec.probe.port',
    message: 'number from 1 to 65535',
  },
  {
    name: 'a probe port of 0',
    spec: probe({ port: 0 }),
    field: 'spec.probe.port',
    message: 'number from 1 to 65535',
  },
  {
    name: 'a probe port that is no name',
    spec: { ...port({ name: 'pg' }), probe: { port: 'mysql' } },
    field: 'spec.probe.port',
    message: 'name of a TCP port',
  },
  {
    name: 'a probe port number as a string',
    spec: probe({ port: '5432' }),
    field: 'spec.probe.port',
    message: 'name of a TCP port',
  },
  {
    name: 'a probe port that is UDP',
    spec: { ...ports({ name: 'a', port: 1 }, { name: 'b', port: 2, protocol: 'UDP' }), probe: { port: 'b' } },
    field: 'spec.probe.port',
    message: 'name of a TCP port',
  },
  {
    name: 'a probe port that is a boolean',
    spec: probe({ port: true }),
    field: 'spec.probe.port',
    message: 'Invalid input',
    server: 'must be of type integer,string',
  },
  {
    name: 'a port for icmp',
    spec: probe({ icmp: {}, port: 5432 }),
    field: 'spec.probe.port',
    message: 'probe.port has no effect with icmp',
  },
  {
    name: 'UDP alone without a probe',
    spec: port({ protocol: 'UDP' }),
    field: 'spec.probe',
    message: 'no port is TCP',
  },
  {
    name: 'UDP alone with tcpSocket',
    spec: { ...port({ protocol: 'UDP' }), probe: { tcpSocket: {} } },
    field: 'spec.probe',
    message: 'no port is TCP',
  },
  {
    name: 'SCTP alone with timing only',
    spec: { ...port({ protocol: 'SCTP' }), probe: { periodSeconds: 5 } },
    field: 'spec.probe',
    message: 'no port is TCP',
  },
  {
    name: 'tcpSocket of a UDP port',
    spec: ports({ name: 'a', port: 1 }, { name: 'b', port: 2, protocol: 'UDP', probe: { tcpSocket: {} } }),
    field: 'spec.ports[1].probe',
    message: 'cannot open a TCP connection',
  },
  {
    name: 'a probe without a handler of a UDP port',
    spec: ports({ name: 'a', port: 1 }, { name: 'b', port: 2, protocol: 'UDP', probe: {} }),
    field: 'spec.ports[1].probe',
    message: 'cannot open a TCP connection',
  },
  {
    name: 'period 0',
    spec: probe({ periodSeconds: 0 }),
    field: 'spec.probe.periodSeconds',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'period 3601',
    spec: probe({ periodSeconds: 3601 }),
    field: 'spec.probe.periodSeconds',
    message: '<=3600',
    server: tooBig,
  },
  {
    name: 'timeout 0',
    spec: probe({ timeoutSeconds: 0 }),
    field: 'spec.probe.timeoutSeconds',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'a timeout longer than the period',
    spec: probe({ periodSeconds: 5, timeoutSeconds: 6 }),
    field: 'spec.probe.timeoutSeconds',
    message: 'timeoutSeconds is greater than periodSeconds',
    admissionOnly: true,
  },
  {
    name: 'a timeout longer than the period of the default',
    spec: probe({ timeoutSeconds: 11 }),
    field: 'spec.probe.timeoutSeconds',
    message: 'timeoutSeconds is greater than periodSeconds',
    admissionOnly: true,
  },
  {
    name: 'a timeout longer than the period of a port',
    spec: port({ probe: { periodSeconds: 5, timeoutSeconds: 6 } }),
    field: 'spec.ports[0].probe.timeoutSeconds',
    message: 'timeoutSeconds is greater than periodSeconds',
    admissionOnly: true,
  },
  {
    name: 'a timeout of 61 s',
    spec: probe({ periodSeconds: 3600, timeoutSeconds: 61 }),
    field: 'spec.probe.timeoutSeconds',
    message: 'timeoutSeconds is greater than 60',
    admissionOnly: true,
  },
  {
    name: '17 headers',
    spec: httpGet({ httpHeaders: headers(17, 3) }),
    field: 'spec.probe.httpGet.httpHeaders',
    message: 'httpHeaders has more than 16 headers',
    admissionOnly: true,
  },
  {
    name: 'headers of more than 8 KiB',
    spec: httpGet({ httpHeaders: headers(2, 4097) }),
    field: 'spec.probe.httpGet.httpHeaders',
    message: 'httpHeaders has more than 8192 characters',
    admissionOnly: true,
  },
  {
    name: 'half a second',
    spec: probe({ timeoutSeconds: 0.5 }),
    field: 'spec.probe.timeoutSeconds',
    message: 'expected int',
    server: 'must be of type integer',
  },
  {
    name: 'a delay of -1',
    spec: probe({ initialDelaySeconds: -1 }),
    field: 'spec.probe.initialDelaySeconds',
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'successThreshold 0',
    spec: probe({ successThreshold: 0 }),
    field: 'spec.probe.successThreshold',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'failureThreshold 0',
    spec: probe({ failureThreshold: 0 }),
    field: 'spec.probe.failureThreshold',
    message: '>=1',
    server: tooSmall,
  },
  {
    name: 'failureThreshold 101',
    spec: probe({ failureThreshold: 101 }),
    field: 'spec.probe.failureThreshold',
    message: '<=100',
    server: tooBig,
  },
  {
    name: 'a relative path',
    spec: httpGet({ path: 'health' }),
    field: 'spec.probe.httpGet.path',
    message: 'must start with /',
  },
  {
    name: 'a path with a space',
    spec: httpGet({ path: '/a b' }),
    field: 'spec.probe.httpGet.path',
    message: 'no spaces',
  },
  {
    name: 'a path with a line break',
    spec: httpGet({ path: '/\r\nX: y' }),
    field: 'spec.probe.httpGet.path',
    message: 'no spaces',
  },
  {
    name: 'a scheme in lower case',
    spec: httpGet({ scheme: 'https' }),
    field: 'spec.probe.httpGet.scheme',
    message: 'HTTP',
    server: 'Unsupported value',
  },
  {
    name: 'a Host header with a port',
    spec: httpGet({ host: 'api.example.com:8080' }),
    field: 'spec.probe.httpGet.host',
    message: 'host must be a DNS name',
  },
  {
    name: 'a header name with a colon',
    spec: httpGet({ httpHeaders: [{ name: 'X:', value: '' }] }),
    field: 'spec.probe.httpGet.httpHeaders[0].name',
    message: 'must be an HTTP header name',
  },
  {
    name: 'a header value with a line break',
    spec: httpGet({ httpHeaders: [{ name: 'X', value: 'a\r\nb' }] }),
    field: 'spec.probe.httpGet.httpHeaders[0].value',
    message: 'without line breaks',
  },
  {
    name: 'a header without a value',
    spec: httpGet({ httpHeaders: [{ name: 'X' }] }),
    field: 'spec.probe.httpGet.httpHeaders[0].value',
    message: 'expected string',
    server: 'Required value',
  },
  {
    name: 'status 99',
    spec: httpGet({ expectedStatuses: [99] }),
    field: 'spec.probe.httpGet.expectedStatuses[0]',
    message: '>=100',
    server: tooSmall,
  },
  {
    name: 'status 600',
    spec: httpGet({ expectedStatuses: [200, 600] }),
    field: 'spec.probe.httpGet.expectedStatuses[1]',
    message: '<=599',
    server: tooBig,
  },
];

const s0 = 'spec.services[0]';
/** Fields of a container's probe that stand elsewhere here, or mean nothing. */
const misplaced: readonly BadSample[] = [
  ...handlers.flatMap((handler) => [
    {
      name: `a port in the handler ${handler}`,
      spec: probe({ [handler]: { port: 8080 } }),
      field: `spec.probe.${handler}.port`,
      message: `write probe.port, next to ${handler}`,
    },
    {
      name: `a port by name in the handler ${handler} of a port`,
      spec: port({ name: 'a', probe: { [handler]: { port: 'a' } } }),
      field: `spec.ports[0].probe.${handler}.port`,
      message: 'ports[].probe has none',
    },
  ]),
  {
    name: 'a host in the handler tcpSocket',
    spec: probe({ tcpSocket: { host: '10.20.0.11' } }),
    field: 'spec.probe.tcpSocket.host',
    message: 'come from targets',
  },
  {
    name: 'a command',
    spec: probe({ exec: { command: ['pg_isready'] } }),
    field: 'spec.probe.exec',
    message: 'the operator runs no commands',
  },
  {
    name: 'a command of a port',
    spec: port({ probe: { exec: {} } }),
    field: 'spec.ports[0].probe.exec',
    message: 'the operator runs no commands',
  },
  {
    name: 'a grace period of a probe',
    spec: probe({ tcpSocket: {}, terminationGracePeriodSeconds: 5 }),
    field: 'spec.probe.terminationGracePeriodSeconds',
    message: 'remove it',
  },
  {
    name: 'the type of a Service in the spec',
    spec: endpoints({ type: 'ClusterIP' }),
    field: 'spec.type',
    message: 'write services',
  },
  {
    name: 'a selector in the spec',
    spec: endpoints({ selector: { app: 'db' } }),
    field: 'spec.selector',
    message: 'write services',
    server: 'unknown field "spec.selector.app"',
  },
  {
    name: 'a cluster IP in the spec',
    spec: endpoints({ clusterIP: 'None' }),
    field: 'spec.clusterIP',
    message: 'headless: true',
  },
  {
    name: 'the name of an alias as a Service has it',
    spec: endpoints({ externalName: 'db.example.com' }),
    field: 'spec.externalName',
    message: 'write mode: ExternalName',
  },
  {
    name: 'a readiness probe as a container has it',
    spec: endpoints({ readinessProbe: { tcpSocket: { port: 5432 } } }),
    field: 'spec.readinessProbe',
    message: 'write spec.probe',
    server: 'unknown field "spec.readinessProbe.tcpSocket"',
  },
  {
    name: 'a liveness probe as a container has it',
    spec: endpoints({ livenessProbe: {} }),
    field: 'spec.livenessProbe',
    message: 'write spec.probe',
  },
  {
    name: 'a port in the probe of a port',
    spec: port({ probe: { port: 5432 } }),
    field: 'spec.ports[0].probe.port',
    message: 'probes its own port',
  },
];

const badServices: readonly BadSample[] = [
  {
    name: 'a Service name of 64 characters',
    spec: service({ name: 'a'.repeat(64) }),
    field: `${s0}.name`,
    message: '<=63',
    server: '63',
  },
  {
    name: 'a Service name that begins with a digit',
    spec: service({ name: '1db' }),
    field: `${s0}.name`,
    message: 'must be a Service name',
  },
  {
    name: 'a Service name with a dot',
    spec: service({ name: 'db.shop' }),
    field: `${s0}.name`,
    message: 'must be a Service name',
  },
  {
    name: 'a Service without a name',
    spec: endpoints({ services: [{}] }),
    field: `${s0}.name`,
    message: 'expected string',
    server: 'Required value',
  },
  {
    name: 'one Service name twice',
    spec: endpoints({ services: [{ name: 'a' }, { name: 'a' }] }),
    field: 'spec.services',
    message: 'two entries with the same name',
    server: 'Duplicate value',
  },
  {
    name: 'a resource name with a dot',
    resourceName: 'orders.db',
    spec: endpoints(),
    field: 'metadata.name',
    message: 'must be a Service name',
  },
  {
    name: 'a resource name that begins with a digit',
    resourceName: '1db',
    spec: endpoints(),
    field: 'metadata.name',
    message: 'must be a Service name',
  },
  {
    name: 'a resource name of 64 characters',
    resourceName: 'a'.repeat(64),
    spec: endpoints(),
    field: 'metadata.name',
    message: 'must be a Service name',
  },
  {
    name: 'type ExternalName',
    spec: service({ type: 'ExternalName' }),
    field: `${s0}.type`,
    message: 'ClusterIP',
    server: 'Unsupported value',
  },
  {
    name: 'headless with NodePort',
    spec: service({ type: 'NodePort', headless: true }),
    field: `${s0}.headless`,
    message: 'headless needs type: ClusterIP',
  },
  {
    name: 'headless with LoadBalancer',
    spec: service({ type: 'LoadBalancer', headless: true }),
    field: `${s0}.headless`,
    message: 'headless needs type: ClusterIP',
  },
  {
    name: 'headless with a clusterIP',
    spec: service({ headless: true, clusterIP: '10.96.0.20' }),
    field: `${s0}.clusterIP`,
    message: 'cannot be set on a headless',
  },
  {
    name: 'clusterIP None',
    spec: service({ clusterIP: 'None' }),
    field: `${s0}.clusterIP`,
    message: 'headless: true instead of None',
  },
  {
    name: 'a clusterIP of the other family',
    spec: service({ clusterIP: '10.96.0.20', ipFamilies: ['IPv6'] }),
    field: `${s0}.clusterIP`,
    message: 'first family in ipFamilies',
  },
  {
    name: 'one clusterIP twice',
    spec: endpoints({
      services: [
        { name: 'a', clusterIP: '10.96.0.20' },
        { name: 'b', clusterIP: '10.96.0.20' },
      ],
    }),
    field: 'spec.services',
    message: 'same clusterIP twice',
  },
  {
    name: 'one family twice',
    spec: service({ ipFamilies: ['IPv4', 'IPv4'], ipFamilyPolicy: 'PreferDualStack' }),
    field: `${s0}.ipFamilies`,
    message: 'same family twice',
  },
  {
    name: 'an unknown family',
    spec: service({ ipFamilies: ['IPv5'] }),
    field: `${s0}.ipFamilies[0]`,
    message: 'IPv4',
    server: 'Unsupported value',
  },
  {
    name: 'two families in a single stack',
    spec: service({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' }),
    field: `${s0}.ipFamilyPolicy`,
    message: 'must be PreferDualStack',
  },
  {
    name: 'two families without a policy',
    spec: service({ ipFamilies: ['IPv4', 'IPv6'] }),
    field: `${s0}.ipFamilyPolicy`,
    message: 'must be PreferDualStack',
  },
  {
    name: 'an unknown affinity',
    spec: service({ sessionAffinity: 'Cookie' }),
    field: `${s0}.sessionAffinity`,
    message: 'ClientIP',
    server: 'Unsupported value',
  },
  {
    name: 'affinity settings without affinity',
    spec: service({ sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    field: `${s0}.sessionAffinityConfig`,
    message: 'needs sessionAffinity: ClientIP',
  },
  {
    name: 'an affinity of 86401 seconds',
    spec: service({
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } },
    }),
    field: `${s0}.sessionAffinityConfig.clientIP.timeoutSeconds`,
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'externalTrafficPolicy of a ClusterIP Service',
    spec: service({ externalTrafficPolicy: 'Local' }),
    field: `${s0}.externalTrafficPolicy`,
    message: 'needs type NodePort or LoadBalancer',
  },
  {
    name: 'an unknown trafficDistribution',
    spec: service({ trafficDistribution: 'PreferLocal' }),
    field: `${s0}.trafficDistribution`,
    message: 'PreferClose',
    server: 'Unsupported value',
  },
  {
    name: 'loadBalancerClass of a NodePort Service',
    spec: service({ type: 'NodePort', loadBalancerClass: 'a/b' }),
    field: `${s0}.loadBalancerClass`,
    message: 'needs type: LoadBalancer',
  },
  {
    name: 'a loadBalancerClass with spaces',
    spec: service({ type: 'LoadBalancer', loadBalancerClass: 'a b' }),
    field: `${s0}.loadBalancerClass`,
    message: 'must be a name',
  },
  {
    name: 'source ranges of a ClusterIP Service',
    spec: service({ loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    field: `${s0}.loadBalancerSourceRanges`,
    message: 'needs type: LoadBalancer',
  },
  {
    name: 'a source range that is an address',
    spec: service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0'] }),
    field: `${s0}.loadBalancerSourceRanges[0]`,
    message: 'CIDR form',
  },
  {
    name: 'a source range of 33 bits',
    spec: service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/33'] }),
    field: `${s0}.loadBalancerSourceRanges[0]`,
    message: 'CIDR form',
  },
  {
    name: 'an external IP that is a name',
    spec: service({ externalIPs: ['gw.example.com'] }),
    field: `${s0}.externalIPs[0]`,
    message: 'must be IP addresses',
  },
  {
    name: 'an external IP that is loopback',
    spec: service({ externalIPs: ['127.0.0.1'] }),
    field: `${s0}.externalIPs[0]`,
    message: 'is a loopback address',
  },
  {
    name: 'a label key with a space',
    spec: service({ labels: { 'a b': '' } }),
    field: `${s0}.labels`,
    message: 'not a label key',
  },
  {
    name: 'a label value with a space',
    spec: service({ labels: { a: 'b c' } }),
    field: `${s0}.labels`,
    message: 'not a label value',
  },
  {
    name: 'a label of ours',
    spec: service({ labels: { 'externalbackend.io/x': 'y' } }),
    field: `${s0}.labels`,
    message: 'the operator or Kubernetes sets',
  },
  {
    name: 'the label kubernetes.io/service-name',
    spec: service({ labels: { 'kubernetes.io/service-name': 'x' } }),
    field: `${s0}.labels`,
    message: 'the operator or Kubernetes sets',
  },
  {
    name: 'a slice annotation',
    spec: service({ annotations: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }),
    field: `${s0}.annotations`,
    message: 'the operator or Kubernetes sets',
  },
  {
    name: '33 labels',
    spec: service({ labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) }),
    field: `${s0}.labels`,
    message: 'at most 32',
    server: 'at most 32 items',
  },
  {
    name: 'an empty selector',
    spec: service({ selector: {} }),
    field: `${s0}.selector`,
    message: 'selector is empty',
  },
  {
    name: 'a selector with a bad value',
    spec: service({ selector: { app: 'a b' } }),
    field: `${s0}.selector`,
    message: 'not a label value',
  },
];

const none = 'has no effect in mode ExternalName';
const needsNumber = 'probe.port must be a number, such as 5432, if mode ExternalName has no ports';
const badAliases: readonly BadSample[] = [
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
    name: 'an alias whose second host is an SRV record, beside two ports',
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
      ['selector', { app: 'db' }],
    ] as const
  ).map(([field, value]) => ({
    name: `an alias with ${field}`,
    spec: aliasService({ [field]: value }),
    field: 'spec.services',
    message: `services[].${field} ${none}`,
  })),
];

const login: Fields = { credentials: { secretName: 'login' } };
const roles = (...names: readonly string[]): Fields => ({
  services: names.map((role) => ({ name: role.toLowerCase(), role })),
});
/** A backend with a port that is known for nothing. */
const unknownPort = (fields: Fields): Fields => endpoints({ ports: [{ port: 7000 }], ...fields });
const needsProbe = 'services[].role Primary and Replica, and maxLagSeconds, need a probe that reports them';
const needsLogin = 'credentials is missing: PostgreSQL and MySQL report role and lag only after a login';
const blindProbes: Fields = {
  tcpSocket: {},
  httpGet: {},
  icmp: {},
  tls: {},
  grpc: {},
  disabled: {},
};

const badRoles: readonly BadSample[] = [
  ...Object.entries(blindProbes).map(([handler, value]) => ({
    name: `a Service for the primary, and a probe that cannot tell it: ${handler}`,
    spec: endpoints({ ...roles('Primary'), ...login, probe: { [handler]: value } }),
    field: 'spec.services',
    message: needsProbe,
  })),
  {
    name: 'a Service for replicas on a port that is known for nothing',
    spec: unknownPort({ ...roles('Replica'), ...login }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a Service for replicas on a database’s port that says it speaks something else',
    spec: endpoints({ ...roles('Replica'), ports: [{ port: 6379, appProtocol: 'http' }] }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a Service for the primary, whose ports all have probes that cannot tell it',
    spec: endpoints({
      ...roles('Any', 'Primary'),
      ...login,
      probe: { tcpSocket: {} },
      ports: [
        { name: 'a', port: 5432, probe: { tcpSocket: {} } },
        { name: 'b', port: 6379, probe: { icmp: {} } },
      ],
    }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a bound of lag, and roles that the spec says',
    spec: endpoints({
      targets: [{ host: '10.20.0.11', role: 'Replica' }],
      services: [{ name: 'ro', role: 'Replica', maxLagSeconds: 10 }],
      probe: { tcpSocket: {} },
    }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'a bound of lag on a port that is known for nothing',
    spec: unknownPort({ services: [{ name: 'db', maxLagSeconds: 10 }] }),
    field: 'spec.services',
    message: needsProbe,
  },
  {
    name: 'roles of PostgreSQL without credentials',
    spec: endpoints({ ...roles('Primary', 'Replica'), probe: { postgres: {} } }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of MySQL without credentials',
    spec: endpoints({ ...roles('Primary'), probe: { mysql: {} } }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of a chosen probe without credentials',
    spec: endpoints(roles('Primary')),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of a probe chosen by appProtocol, without credentials',
    spec: endpoints({ ...roles('Primary'), ports: [{ port: 7000, appProtocol: 'mariadb' }] }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'roles of a probe of a port, without credentials',
    spec: endpoints({ ...roles('Primary'), ports: [{ port: 7000, probe: { postgres: {} } }] }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'a bound of lag of PostgreSQL without credentials',
    spec: service({ maxLagSeconds: 0 }),
    field: 'spec.credentials',
    message: needsLogin,
  },
  {
    name: 'a fallback of a Service for every role',
    spec: service({ fallbackToPrimary: true }),
    field: `${s0}.fallbackToPrimary`,
    message: 'fallbackToPrimary needs role: Replica',
  },
  {
    name: 'a fallback of the primary',
    spec: { ...service({ role: 'Primary', fallbackToPrimary: true }), ...login },
    field: `${s0}.fallbackToPrimary`,
    message: 'fallbackToPrimary needs role: Replica',
  },
  {
    name: 'a bound of lag of the primary',
    spec: { ...service({ role: 'Primary', maxLagSeconds: 10 }), ...login },
    field: `${s0}.maxLagSeconds`,
    message: 'maxLagSeconds has no effect with role: Primary',
  },
  {
    name: 'a bound of lag below 0',
    spec: { ...service({ role: 'Replica', maxLagSeconds: -1 }), ...login },
    field: `${s0}.maxLagSeconds`,
    message: '>=0',
    server: tooSmall,
  },
  {
    name: 'a bound of lag over a day',
    spec: { ...service({ role: 'Replica', maxLagSeconds: 86401 }), ...login },
    field: `${s0}.maxLagSeconds`,
    message: '<=86400',
    server: tooBig,
  },
  {
    name: 'an unknown role of a Service',
    spec: { ...service({ role: 'Standby' }), ...login },
    field: `${s0}.role`,
    message: 'Invalid option',
    server: 'Unsupported value: "Standby"',
  },
  {
    name: 'an unknown role of a target',
    spec: target({ role: 'Any' }),
    field: 'spec.targets[0].role',
    message: 'Invalid option',
    server: 'Unsupported value: "Any"',
  },
  {
    name: 'an alias with a Service by role',
    spec: aliasService({ role: 'Primary' }),
    field: 'spec.services',
    message: `services[].role ${none}`,
  },
  {
    name: 'an alias with a bound of lag',
    spec: aliasService({ maxLagSeconds: 10 }),
    field: 'spec.services',
    message: `services[].maxLagSeconds ${none}`,
  },
  {
    name: 'an alias with the role of a target',
    spec: alias({ targets: [{ host: 'db.example.com', role: 'Primary' }] }),
    field: 'spec.targets',
    message: `targets[].role ${none}`,
  },
];

const tls = (fields: Fields): Fields => endpoints({ probe: { tls: {} }, tls: fields });
const badSecrets: readonly BadSample[] = [
  {
    name: 'credentials without a Secret',
    spec: endpoints({ credentials: {} }),
    field: 'spec.credentials.secretName',
    message: 'expected string, received undefined',
    server: 'Required value',
  },
  {
    name: 'credentials whose password may go in clear by a word',
    spec: endpoints({ credentials: { secretName: 'login', allowClearText: 'yes' } }),
    field: 'spec.credentials.allowClearText',
    message: 'expected boolean',
    server: 'must be of type boolean',
  },
  {
    name: 'credentials whose password may go in clear, of no Secret',
    spec: endpoints({ credentials: { allowClearText: true } }),
    field: 'spec.credentials.secretName',
    message: 'expected string, received undefined',
    server: 'Required value',
  },
  {
    name: 'credentials of a Secret with a slash in its name',
    spec: endpoints({ credentials: { secretName: 'shop/login' } }),
    field: 'spec.credentials.secretName',
    message: 'secretName must be the name of a Secret',
  },
  {
    name: 'credentials of a Secret with capitals in its name',
    spec: endpoints({ credentials: { secretName: 'Login' } }),
    field: 'spec.credentials.secretName',
    message: 'secretName must be the name of a Secret',
  },
  {
    name: 'credentials of a Secret whose name leads elsewhere',
    spec: endpoints({ credentials: { secretName: '..' } }),
    field: 'spec.credentials.secretName',
    message: 'secretName must be the name of a Secret',
  },
  {
    name: 'authorities of a Secret without a name',
    spec: tls({ caSecret: { key: 'ca.crt' } }),
    field: 'spec.tls.caSecret.name',
    message: 'expected string, received undefined',
    server: 'Required value',
  },
  {
    name: 'authorities of a key with a slash',
    spec: tls({ caSecret: { name: 'ca', key: 'a/b' } }),
    field: 'spec.tls.caSecret.key',
    message: 'key must be a key of a Secret',
  },
  {
    name: 'authorities and no verification',
    spec: tls({ caSecret: { name: 'ca' }, insecureSkipVerify: true }),
    field: 'spec.tls.insecureSkipVerify',
    message: 'insecureSkipVerify accepts any certificate, so caSecret has no effect',
  },
  {
    name: 'a certificate of a Secret with a space in its name',
    spec: tls({ certificateSecretName: 'my cert' }),
    field: 'spec.tls.certificateSecretName',
    message: 'certificateSecretName must be the name of a Secret',
  },
  {
    name: 'a server name with a port',
    spec: tls({ serverName: 'db.example.com:5432' }),
    field: 'spec.tls.serverName',
    message: 'serverName has a port',
  },
  {
    name: 'a server name with a line break',
    spec: tls({ serverName: 'db.example.com\n' }),
    field: 'spec.tls.serverName',
    message: 'serverName must be printable ASCII',
  },
  {
    name: 'any name of a public authority',
    spec: tls({ verify: 'ca' }),
    field: 'spec.tls.verify',
    message: 'verify: ca accepts any name in a certificate that the authority signed',
  },
];

const badDatabaseProbes: readonly BadSample[] = [
  {
    name: 'two databases in one probe',
    spec: probe({ postgres: {}, mysql: {} }),
    field: 'spec.probe',
    message: 'more than one handler',
  },
  {
    name: 'tls beside tcpSocket',
    spec: port({ probe: { tcpSocket: {}, tls: {} } }),
    field: 'spec.ports[0].probe',
    message: 'more than one handler',
  },
  {
    name: 'an unknown sslMode',
    spec: probe({ postgres: { sslMode: 'allow' } }),
    field: 'spec.probe.postgres.sslMode',
    message: 'Invalid option',
    server: 'Unsupported value: "allow"',
  },
  {
    name: 'an unknown meaning of saturated',
    spec: probe({ mysql: { saturatedIs: 'up' } }),
    field: 'spec.probe.mysql.saturatedIs',
    message: 'Invalid option',
    server: 'Unsupported value: "up"',
  },
  {
    name: 'a database with a line break',
    spec: probe({ postgres: { database: 'a\nb' } }),
    field: 'spec.probe.postgres.database',
    message: 'database must be printable ASCII',
  },
  {
    name: 'a user with an umlaut',
    spec: probe({ postgres: { user: 'müller' } }),
    field: 'spec.probe.postgres.user',
    message: 'user must be printable ASCII',
  },
  {
    name: 'a user that is empty',
    spec: probe({ postgres: { user: '' } }),
    field: 'spec.probe.postgres.user',
    message: 'user must be printable ASCII',
  },
  {
    name: 'a replica set without a name',
    spec: probe({ mongodb: { setName: '' } }),
    field: 'spec.probe.mongodb.setName',
    message: 'setName must be printable ASCII',
  },
  {
    name: 'a gRPC service with a space',
    spec: probe({ grpc: { service: 'a b' } }),
    field: 'spec.probe.grpc.service',
    message: 'service must be printable ASCII',
  },
  ...['postgres', 'mysql', 'redis', 'mongodb', 'tls', 'grpc'].map((handler) => ({
    name: `a UDP port asked by ${handler}`,
    spec: endpoints({
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2, protocol: 'UDP', probe: { [handler]: {} } },
      ],
    }),
    field: 'spec.ports[1].probe',
    message: 'probe of a UDP or SCTP port cannot open a TCP connection',
  })),
  {
    name: 'an alias without ports asked by a database’s probe without a port',
    spec: alias({ probe: { postgres: {} } }),
    field: 'spec.probe.port',
    message: needsNumber,
  },
];

export const badSamples: readonly BadSample[] = [
  ...badHosts.map(([name, text, message]) => ({
    name: `host: ${name}`,
    spec: host(text),
    field: 'spec.targets[0].host',
    message,
  })),
  ...bounds,
  ...badPorts,
  ...badNames,
  ...badProbes,
  ...misplaced,
  ...badServices,
  ...badAliases,
  ...badRoles,
  ...badSecrets,
  ...badDatabaseProbes,
  ...admissionOnly,
];

export const goodSamples: readonly GoodSample[] = [
  ...parts().map((path) => ({ name: `{} as ${path}`, spec: specWith(path, {}) })),
  ...sharedParts().map((path) => ({ name: `null as ${path}`, spec: specWith(path, null) })),
  { name: 'the smallest', spec: endpoints() },
  { name: '512 targets', spec: endpoints({ targets: addresses(512) }) },
  {
    name: '8000 endpoints of 500 targets and 16 Services',
    spec: endpoints({ targets: addresses(500), services: services(16) }),
  },
  {
    name: '8000 endpoints of 250 targets and 32 probed ports',
    spec: endpoints({ targets: addresses(250), ports: probedPorts(32) }),
  },
  {
    name: '7680 endpoints of 15 targets, 16 Services, 30 probed ports and two others',
    spec: endpoints({
      targets: addresses(15),
      services: services(16),
      ports: [...probedPorts(30), { name: 'a', port: 98 }, { name: 'b', port: 99 }],
    }),
  },
  {
    name: 'an alias of 512 names with 16 Services',
    spec: alias({ targets: names(512), services: services(16) }),
  },
  { name: 'a neighbour of a metadata service', spec: host('100.100.100.201') },
  { name: 'an IPv6 target in capitals with zeros', spec: host('2001:0DB8:0000:0000:0000:0000:0000:0001') },
  { name: 'an IPv6 target with IPv4 inside', spec: host('64:ff9b::192.0.2.1') },
  { name: 'two families', spec: endpoints({ targets: [{ host: '10.20.0.11' }, { host: '2001:db8::11' }] }) },
  {
    name: 'two spellings of one address',
    spec: endpoints({ targets: [{ host: '2001:db8::1' }, { host: '2001:DB8::1' }] }),
  },
  {
    name: 'one host on two ports',
    spec: endpoints({ targets: [{ host: '10.20.0.11' }, { host: '10.20.0.11', port: 5433 }] }),
  },
  {
    name: 'one name on two targets',
    spec: endpoints({
      targets: [
        { host: '10.20.0.11', name: 'db' },
        { host: '10.20.0.12', name: 'db' },
      ],
    }),
  },
  { name: 'every target field', spec: target({ port: 6432, name: '0-a', zone: 'eu-west_1.a', drain: true }) },
  { name: 'all targets draining', spec: target({ drain: true }) },
  {
    name: 'shared and public addresses',
    spec: endpoints({
      targets: [
        { host: '100.64.0.1' },
        { host: '8.8.8.8' },
        { host: '192.0.2.1' },
        { host: 'fd00::1' },
        { host: '64:ff9b::8.8.8.8' },
      ],
    }),
  },
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
  {
    name: 'a probe port by number',
    spec: { ...ports({ name: 'a', port: 1 }, { name: 'b', port: 2 }), probe: { port: 2 } },
  },
  {
    name: 'a probe port that is a health endpoint beside the database',
    spec: probe({ port: 8008, httpGet: {} }),
  },
  {
    name: 'a probe port by name',
    spec: { ...ports({ name: 'a', port: 1 }, { name: 'b', port: 2 }), probe: { port: 'b', httpGet: {} } },
  },
  { name: 'a timeout as long as the period', spec: probe({ periodSeconds: 7, timeoutSeconds: 7 }) },
  {
    name: 'as many headers as may be, with as many characters',
    spec: httpGet({ httpHeaders: headers(16, 512) }),
  },
  {
    name: 'every timing field at its upper bound',
    spec: probe({
      initialDelaySeconds: 3600,
      periodSeconds: 3600,
      timeoutSeconds: 60,
      successThreshold: 100,
      failureThreshold: 100,
    }),
  },
  {
    name: 'every httpGet field',
    spec: httpGet({
      path: '/health',
      scheme: 'HTTPS',
      host: 'API.example.com',
      httpHeaders: [
        { name: 'X-A', value: '' },
        { name: 'X-A', value: 'two\twords here' },
      ],
      expectedStatuses: [204, 401],
      insecureSkipVerify: true,
    }),
  },
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
  { name: 'a name in mode Endpoints', spec: host('orders.abc.eu-central-1.rds.amazonaws.com') },
  { name: 'a name of one label in mode Endpoints', spec: host('db') },
  { name: 'a name with underscores in mode Endpoints', spec: host('my_db.Example.com.') },
  {
    name: 'one underscored label, which is no SRV record',
    spec: target({ host: '_db.example.com', port: 1 }),
  },
  { name: 'two underscored labels alone', spec: target({ host: '_a._tcp', port: 1 }) },
  {
    name: 'names and addresses of both families',
    spec: endpoints({
      targets: [
        { host: 'db.example.com', name: 'db', zone: 'eu-west-1a' },
        { host: '10.20.0.11' },
        { host: '2001:db8::11' },
        { host: 'db.example.com', port: 5433, drain: true },
      ],
    }),
  },
  {
    name: 'a name beside two ports',
    spec: endpoints({ targets: [{ host: 'db.example.com' }], ports: twoPorts }),
  },
  { name: '512 names', spec: endpoints({ targets: names(512) }) },
  { name: 'an SRV record', spec: srvTarget() },
  { name: 'an SRV record in capitals with a trailing dot', spec: host('_MongoDB._TCP.DB.example.com.') },
  {
    name: 'an SRV record among names and addresses, with a probe of the port by name',
    spec: {
      ...endpoints({ targets: [{ host: srv }, { host: '10.20.0.11', port: 5433 }, { host: 'db' }] }),
      ports: [{ name: 'pg', port: 5432, targetPort: 6432 }],
      probe: { port: 'pg' },
    },
  },
  {
    name: '512 SRV records',
    spec: endpoints({ targets: names(512).map(({ host: text }) => ({ host: `_a._tcp.${String(text)}` })) }),
  },
  { name: 'dns without a word', spec: dns({}) },
  {
    name: 'dns with every field at its lower bound',
    spec: dns({
      minRefreshSeconds: 1,
      maxRefreshSeconds: 1,
      families: ['IPv6'],
      staleSeconds: 0,
      keepSeconds: 0,
    }),
  },
  {
    name: 'dns with every field at its upper bound',
    spec: dns({
      minRefreshSeconds: 3600,
      maxRefreshSeconds: 86400,
      families: ['IPv6', 'IPv4'],
      staleSeconds: 2_592_000,
      keepSeconds: 86400,
    }),
  },
  { name: 'dns beside addresses alone', spec: endpoints({ dns: { keepSeconds: 60 } }) },
  {
    name: 'an alias of two hosts that goes back at once',
    spec: alias({ targets: names(2), failbackSeconds: 0, dns: { families: ['IPv4'] } }),
  },
  {
    name: 'an alias of 512 hosts that goes back after a day',
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
  {
    name: 'a resource name that is no Service name',
    resourceName: '1.orders',
    spec: endpoints({ services: [{ name: 'orders' }] }),
  },
  { name: 'a Service name of 63 characters', spec: service({ name: 'a'.repeat(63) }) },
  {
    name: 'headless with labels and affinity',
    spec: service({
      headless: true,
      labels: { a: '' },
      sessionAffinity: 'ClientIP',
      publishNotReadyAddresses: true,
    }),
  },
  {
    name: 'a fixed nodePort',
    spec: {
      ...port({ nodePort: 30001 }),
      services: [{ name: 'a', type: 'NodePort', externalTrafficPolicy: 'Local' }, { name: 'b' }],
    },
  },
  {
    name: 'one nodePort for TCP and UDP',
    spec: {
      ...service({ type: 'NodePort' }),
      ports: [
        { name: 'a', port: 1, nodePort: 30001 },
        { name: 'b', port: 1, protocol: 'UDP', nodePort: 30001 },
      ],
    },
  },
  {
    name: 'every LoadBalancer field',
    spec: service({
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/internal',
      loadBalancerSourceRanges: ['10.0.0.0/8', '2001:db8::/32', '0.0.0.0/0'],
      externalTrafficPolicy: 'Cluster',
    }),
  },
  {
    name: 'cloud annotations and topology',
    spec: service({
      annotations: {
        'service.beta.kubernetes.io/aws-load-balancer-type': 'nlb',
        'service.kubernetes.io/topology-mode': 'Auto',
      },
    }),
  },
  {
    name: 'externalIPs with a policy',
    spec: service({ externalIPs: ['198.51.100.7', '2001:db8::7'], externalTrafficPolicy: 'Local' }),
  },
  {
    name: 'dual stack, IPv6 first',
    spec: service({
      clusterIP: 'fd00:10:96::20',
      ipFamilies: ['IPv6', 'IPv4'],
      ipFamilyPolicy: 'PreferDualStack',
    }),
  },
  {
    name: 'sticky clients',
    spec: service({
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 86400 } },
      internalTrafficPolicy: 'Cluster',
      trafficDistribution: 'PreferClose',
    }),
  },
  ...(['PreferClose', 'PreferSameZone', 'PreferSameNode'] as const).map((trafficDistribution) => ({
    name: `trafficDistribution ${trafficDistribution} and servers with zones`,
    spec: {
      ...service({ trafficDistribution }),
      targets: [{ host: '10.20.0.11', zone: 'eu-1a' }, { host: '10.20.0.12' }],
    },
  })),
  {
    name: 'pods beside the targets',
    spec: service({ selector: { 'app.kubernetes.io/name': 'postgres', tier: '' } }),
  },
  {
    name: '16 services',
    spec: endpoints({ services: Array.from({ length: 16 }, (_, i) => ({ name: `s${i}` })) }),
  },
  { name: 'suspended', spec: endpoints({ suspend: true }) },
  ...['postgres', 'mysql', 'redis', 'mongodb', 'tls', 'grpc'].flatMap((handler) => [
    { name: `asked by ${handler}`, spec: probe({ [handler]: {}, port: 5432 }) },
    { name: `a port asked by ${handler}`, spec: port({ probe: { [handler]: {} } }) },
    { name: `an alias asked by ${handler}`, spec: alias({ probe: { [handler]: {}, port: 5432 } }) },
  ]),
  {
    name: 'every field of postgres',
    spec: probe({
      postgres: { database: 'orders db', user: 'probe', sslMode: 'verify-full', saturatedIs: 'down' },
    }),
  },
  { name: 'every field of mongodb', spec: probe({ mongodb: { setName: 'rs0' } }) },
  { name: 'every field of grpc', spec: probe({ grpc: { service: 'shop.v1.Orders' } }) },
  {
    name: 'a Service for the primary and one for the replicas',
    spec: endpoints({
      ...login,
      services: [
        { name: 'rw', role: 'Primary' },
        { name: 'ro', role: 'Replica', maxLagSeconds: 10, fallbackToPrimary: true },
        { name: 'all', role: 'Any', maxLagSeconds: 86400 },
      ],
    }),
  },
  {
    name: 'roles of PostgreSQL',
    spec: unknownPort({ ...roles('Primary'), ...login, probe: { postgres: {} } }),
  },
  {
    name: 'roles of PostgreSQL by a user without a password',
    spec: endpoints({ ...roles('Primary'), probe: { postgres: { user: 'probe' } } }),
  },
  { name: 'roles of MySQL', spec: unknownPort({ ...roles('Replica'), ...login, probe: { mysql: {} } }) },
  {
    name: 'roles of Redis without credentials',
    spec: unknownPort({ ...roles('Primary'), probe: { redis: {} } }),
  },
  {
    name: 'roles of MongoDB without credentials',
    spec: unknownPort({ ...roles('Primary'), probe: { mongodb: {} } }),
  },
  {
    name: 'roles of a chosen probe of Redis',
    spec: endpoints({ ...roles('Primary', 'Replica'), ports: [{ port: 16379, targetPort: 6379 }] }),
  },
  {
    name: 'roles of a probe chosen by appProtocol',
    spec: endpoints({ ...roles('Primary'), ports: [{ port: 7000, appProtocol: 'mongo' }] }),
  },
  {
    name: 'roles of a probe chosen for another port',
    spec: unknownPort({ ...roles('Primary'), ...login, probe: { port: 5432 } }),
  },
  {
    name: 'roles by the probe of one port',
    spec: endpoints({
      ...roles('Primary'),
      ...login,
      ports: [
        { name: 'db', port: 7000, probe: { postgres: {} } },
        { name: 'metrics', port: 9187, probe: { tcpSocket: {} } },
      ],
    }),
  },
  {
    name: 'roles that the spec says',
    spec: endpoints({
      ...roles('Primary', 'Replica'),
      targets: [
        { host: '10.20.0.11', role: 'Primary' },
        { host: '10.20.0.12', role: 'Replica' },
      ],
      probe: { disabled: {} },
    }),
  },
  {
    name: '15 targets, 32 ports with a probe each and 16 Services by role',
    spec: {
      ...login,
      targets: addresses(15),
      ports: Array.from({ length: 32 }, (_, i) => ({
        name: `p${i}`,
        port: i + 1,
        probe: i === 31 ? { mysql: {} } : { tcpSocket: {} },
      })),
      services: Array.from({ length: 16 }, (_, i) => ({ name: `s${i}`, role: 'Replica', maxLagSeconds: i })),
    },
  },
  {
    name: 'credentials whose password may go in clear',
    spec: endpoints({ credentials: { secretName: 'login', allowClearText: true }, probe: { redis: {} } }),
  },
  {
    name: 'credentials whose password may not go in clear',
    spec: endpoints({ credentials: { secretName: 'login', allowClearText: false } }),
  },
  { name: 'credentials that nothing asks for', spec: endpoints({ ...login, probe: { tcpSocket: {} } }) },
  {
    name: 'every field of tls',
    spec: tls({
      caSecret: { name: 'ca.example', key: 'root.pem' },
      certificateSecretName: 'client',
      serverName: 'DB.example.com.',
      verify: 'full',
      insecureSkipVerify: false,
    }),
  },
  { name: 'any name of an authority of its own', spec: tls({ caSecret: { name: 'ca' }, verify: 'ca' }) },
  { name: 'a server name that is an address', spec: tls({ serverName: '10.20.0.11' }) },
  { name: 'an instance of Cloud SQL', spec: tls({ serverName: 'my-project:my-instance' }) },
  { name: 'an instance of a project of a domain', spec: tls({ serverName: 'example.com:project:instance' }) },
  { name: 'a server name that is a URI', spec: tls({ serverName: 'spiffe://cluster.local/ns/db' }) },
  {
    name: 'no verification, with a certificate of its own',
    spec: tls({ certificateSecretName: 'client', insecureSkipVerify: true }),
  },
  { name: 'authorities under the usual key', spec: tls({ caSecret: { name: 'ca' } }) },
];
