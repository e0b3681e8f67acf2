import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { options } from '../src/config/options.ts';
import { parseDnsServer, parseDurationMs, parseListenAddress } from '../src/config/values.ts';
import { parseConfig } from '../src/config.ts';
import type { Config, Env } from '../src/config.ts';

function configOf(argv: readonly string[], env: Env = {}): Config {
  const parsed = parseConfig(argv, env);
  if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed));
  return parsed.config;
}

function messageOf(argv: readonly string[], env: Env = {}): string {
  const parsed = parseConfig(argv, env);
  return parsed.kind === 'error' ? parsed.message : `no error but ${parsed.kind}`;
}

describe('configuration', () => {
  it('is complete without any flag or variable', () => {
    expect(configOf([])).toEqual({
      namespaces: [],
      excludeNamespaces: ['kube-node-lease', 'kube-public', 'kube-system'],
      serviceFeatures: [
        ...[
          'NodePort',
          'LoadBalancer',
          'ExternalIPs',
          'Selector',
          'ForeignMetadata',
          'Adopt',
          'ExternalName',
        ],
      ],
      denyCidr: [],
      allowCidr: [],
      denyClusterNetworks: 'auto',
      aliasDeny: [],
      serviceCidr: [],
      legacyEndpoints: true,
      maxEndpointsPerSlice: 100,
      leaderElect: true,
      leaseName: 'external-backend-operator',
      leaseNamespace: 'external-backend-operator',
      leaseDuration: 15_000,
      renewDeadline: 10_000,
      retryPeriod: 2_000,
      healthAddress: { host: undefined, port: 8081 },
      metricsAddress: { host: undefined, port: 8080 },
      metricsAuth: 'token',
      metricsPerBackend: true,
      metricsMaxBackends: 1000,
      probeWorkers: 1,
      probeWorkerStall: 2_000,
      logLevel: 'info',
      shutdownTimeout: 20_000,
      maxConcurrentProbes: 4096,
      maxProbeRatePerNamespace: 500,
      maxProbesPerHost: 8,
      maxProbesPerHostAndNamespace: 2,
      maxConcurrentApiRequests: 32,
      maxConcurrentReconciles: 1024,
      autoSelectHandler: true,
      dnsServers: [],
      dnsMinRefresh: 5_000,
      resolvConf: '/etc/resolv.conf',
      dnsMaxQps: 1000,
    });
  });

  it('is deeply frozen', () => {
    const config = configOf(['--deny-cidr=10.0.0.0/8', '--dns-servers=10.96.0.10']);
    const parts = [config, config.denyCidr, config.healthAddress, config.dnsServers, config.dnsServers[0]];
    expect(parts.every(Object.isFrozen)).toBe(true);
  });

  it.each<[string, readonly string[], Env, Partial<Config>]>([
    ['a value after an equals sign', ['--max-concurrent-reconciles=7'], {}, { maxConcurrentReconciles: 7 }],
    ['a value as the next word', ['--max-concurrent-reconciles', '7'], {}, { maxConcurrentReconciles: 7 }],
    [
      'a switch by its name',
      ['--leader-elect'],
      { EXTERNAL_BACKEND_LEADER_ELECT: 'false' },
      { leaderElect: true },
    ],
    ['a switch negated', ['--no-leader-elect'], {}, { leaderElect: false }],
    ['a switch set to false', ['--legacy-endpoints=false'], {}, { legacyEndpoints: false }],
    ['no features of Services', ['--service-features='], {}, { serviceFeatures: [] }],
    [
      'some features of Services, in the order of the documentation',
      ['--service-features=Adopt,NodePort'],
      {},
      { serviceFeatures: ['NodePort', 'Adopt'] },
    ],
    ['no excluded namespaces', ['--exclude-namespaces='], {}, { excludeNamespaces: [] }],
    [
      'a namespace that is not excluded any more',
      ['--exclude-namespaces=kube-public', '--namespaces=kube-system'],
      {},
      { namespaces: ['kube-system'] },
    ],
    ['a list by commas', ['--namespaces=b, a,b'], {}, { namespaces: ['a', 'b'] }],
    [
      'a list by repetition',
      ['--deny-cidr=10.0.0.0/8', '--deny-cidr', 'fd00::/8,192.0.2.1/32'],
      {},
      { denyCidr: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1/32'] },
    ],
    [
      'name servers in the order they are given',
      ['--dns-servers=10.96.0.10, [fd00::10]:5353', '--dns-servers', 'fd00::11'],
      {},
      {
        dnsServers: [
          { address: '10.96.0.10', port: 53 },
          { address: 'fd00::10', port: 5353 },
          { address: 'fd00::11', port: 53 },
        ],
      },
    ],
    [
      'name servers of the environment',
      [],
      { EXTERNAL_BACKEND_DNS_SERVERS: '10.96.0.10:1053' },
      { dnsServers: [{ address: '10.96.0.10', port: 1053 }] },
    ],
    [
      'another resolv.conf',
      ['--resolv-conf=/run/dns/resolv.conf'],
      {},
      { resolvConf: '/run/dns/resolv.conf' },
    ],
    ['the environment', [], { EXTERNAL_BACKEND_LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
    [
      'a flag over the environment',
      ['--log-level=warn'],
      { EXTERNAL_BACKEND_LOG_LEVEL: 'debug' },
      { logLevel: 'warn' },
    ],
    ['an empty variable as absent', [], { EXTERNAL_BACKEND_WORKERS: '' }, { maxConcurrentReconciles: 1024 }],
    ['the namespace of the pod', [], { POD_NAMESPACE: 'infra' }, { leaseNamespace: 'infra' }],
    [
      'its own variable over that of the pod',
      [],
      { POD_NAMESPACE: 'infra', EXTERNAL_BACKEND_LEASE_NAMESPACE: 'mine' },
      { leaseNamespace: 'mine' },
    ],
    ['the name of the pod', [], { POD_NAME: 'operator-0' }, { identity: 'operator-0' }],
    ['the usual kubeconfig variable', [], { KUBECONFIG: '/k' }, { kubeconfig: '/k' }],
    ['compound durations', ['--lease-duration=1m30s'], {}, { leaseDuration: 90_000 }],
    [
      'an IPv6 address to listen on',
      ['--health-address=[::1]:0'],
      {},
      { healthAddress: { host: '::1', port: 0 } },
    ],
    [
      'variables that Kubernetes makes for Services',
      [],
      { EXTERNAL_BACKEND_HTTP_PORT: 'tcp://10.0.0.1:80' },
      {},
    ],
  ])('accepts %s', (_, argv, env, expected) => {
    expect(configOf(argv, env)).toMatchObject(expected);
  });

  it.each<[string, readonly string[], Env, string]>([
    [
      'a mistyped flag',
      ['--metrics-adress=:1'],
      {},
      'unknown flag --metrics-adress: did you mean --metrics-address?',
    ],
    ['a flag like no other', ['--frobnicate'], {}, 'unknown flag --frobnicate: --help lists all flags'],
    [
      'the negation of a flag that is not a switch',
      ['--no-max-concurrent-reconciles'],
      {},
      'unknown flag --no-max-concurrent-reconciles: did you mean --max-concurrent-reconciles?',
    ],
    [
      'a bare word',
      ['run'],
      {},
      'unexpected argument "run": flags are written --name=value; --help lists them',
    ],
    [
      'a switch with a separate value',
      ['--leader-elect', 'false'],
      {},
      'unexpected argument "false": flags are written --name=value; --help lists them',
    ],
    [
      'a missing value',
      ['--max-concurrent-reconciles'],
      {},
      '--max-concurrent-reconciles needs a value (1..10000): write --max-concurrent-reconciles=…',
    ],
    [
      'a flag in place of a value',
      ['--context', '--max-concurrent-reconciles=3'],
      {},
      '--context needs a value (text): write --context=…',
    ],
    [
      'two values for one setting',
      ['--max-concurrent-reconciles=1', '--max-concurrent-reconciles=2'],
      {},
      '--max-concurrent-reconciles is set twice: keep one',
    ],
    [
      'a number out of bounds',
      ['--max-endpoints-per-slice=1001'],
      {},
      '--max-endpoints-per-slice must be a whole number from 1 to 1000 (now "1001")',
    ],
    [
      'a number with a fraction',
      ['--max-concurrent-reconciles=1.5'],
      {},
      '--max-concurrent-reconciles must be a whole number from 1 to 10000 (now "1.5")',
    ],
    [
      'a switch that is neither true nor false',
      ['--leader-elect=yes'],
      {},
      '--leader-elect must be true or false (now "yes")',
    ],
    [
      'a duration without a unit',
      ['--retry-period=2'],
      {},
      '--retry-period must be a duration such as 500ms, 15s or 1m30s, at most 24h (now "2")',
    ],
    [
      'a duration of zero',
      ['--retry-period=0s'],
      {},
      '--retry-period must be a duration such as 500ms, 15s or 1m30s, at most 24h (now "0s")',
    ],
    [
      'a namespace to serve that is excluded',
      ['--namespaces=shop,team', '--exclude-namespaces=team,kube-system'],
      {},
      '--namespaces has team, which --exclude-namespaces contains too: remove it from one of them (now "shop,team")',
    ],
    [
      'a CIDR with too long a prefix',
      ['--deny-cidr=10.0.0.0/33'],
      {},
      '--deny-cidr has "10.0.0.0/33", which is not a CIDR such as 10.0.0.0/8 or fd00::/8 (now "10.0.0.0/33")',
    ],
    [
      'an IPv4-mapped CIDR, which would deny nothing',
      ['--deny-cidr=::ffff:10.0.0.0/104'],
      {},
      '--deny-cidr has "::ffff:10.0.0.0/104", which is not a CIDR such as 10.0.0.0/8 or fd00::/8 (now "::ffff:10.0.0.0/104")',
    ],
    [
      'an address without a port',
      ['--health-address=localhost'],
      {},
      '--health-address must be an address to listen on such as :8080, 127.0.0.1:8080 or [::1]:8080 (now "localhost")',
    ],
    [
      'a name server by name',
      ['--dns-servers=10.96.0.10,dns.example.com'],
      {},
      '--dns-servers has "dns.example.com", which is not the address of a name server such as 10.96.0.10, 10.96.0.10:5353 or [fd00::10]:5353 (now "10.96.0.10,dns.example.com")',
    ],
    ['an empty resolv.conf', ['--resolv-conf='], {}, '--resolv-conf must not be empty (now "")'],
    [
      'a level that does not exist',
      [],
      { EXTERNAL_BACKEND_LOG_LEVEL: 'loud' },
      'EXTERNAL_BACKEND_LOG_LEVEL must be one of debug, info, warn, error (now "loud")',
    ],
    [
      'a namespace in capitals',
      ['--namespaces=Shop'],
      {},
      '--namespaces has "Shop", which is not a namespace name (now "Shop")',
    ],
    [
      'a lease of half seconds',
      ['--lease-duration=15500ms'],
      {},
      '--lease-duration must be whole seconds, because a Lease stores whole seconds (now "15500ms")',
    ],
    [
      'a deadline longer than the lease',
      ['--renew-deadline=15s'],
      {},
      '--renew-deadline must be less than --lease-duration (now "15s")',
    ],
    [
      'a certificate without its key',
      ['--metrics-cert-file=/tls/tls.crt'],
      {},
      '--metrics-key-file must be set too, because a certificate needs its key',
    ],
    [
      'a key without its certificate',
      ['--metrics-key-file=/tls/tls.key'],
      {},
      '--metrics-cert-file must be set too, because a certificate needs its key',
    ],
    [
      'a retry longer than the deadline',
      ['--retry-period=10s'],
      {},
      '--retry-period must be less than --renew-deadline (now "10s")',
    ],
  ])('refuses %s with a message that contains the fix', (_, argv, env, message) => {
    expect(messageOf(argv, env)).toBe(message);
  });

  it('reports every mistake in one message', () => {
    expect(
      messageOf(['--max-concurrent-reconciles=0', '--max-concurrent-api-requests=0']).split('\n'),
    ).toHaveLength(2);
  });

  it('prints help with every flag, also if another flag is wrong', () => {
    const parsed = parseConfig(['--frobnicate', '--help'], {});
    const text = parsed.kind === 'help' ? parsed.text : '';
    expect(
      options().filter(({ flag, description }) => !text.includes(`--${flag}`) || description === ''),
    ).toEqual([]);
  });

  it('never throws, whatever the arguments are', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('--max-concurrent-reconciles', '--no-', '--=', '--deny-cidr=', '--', '-h'),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) =>
        ['config', 'help', 'version', 'error'].includes(parseConfig(argv, {}).kind),
      ),
    );
  });
});

describe('a duration', () => {
  it('is the sum of its parts, in milliseconds', () => {
    const natural = fc.nat(999);
    fc.assert(
      fc.property(
        natural,
        natural,
        natural,
        (h, m, ms) => parseDurationMs(`${h}h${m}m${ms}ms`) === h * 3.6e6 + m * 6e4 + ms,
      ),
    );
  });

  it.each(['', 's', '1', '-1s', '1.5s', ' 1s', '1s ', '1d'])('is not %j', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe('an address to listen on', () => {
  it.each([
    [':8080', { host: undefined, port: 8080 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['[::]:65535', { host: '::', port: 65535 }],
  ])('may be %j', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['', '8080', ':', ':65536', '::1:80', '[1.2.3.4]:80', '999.0.0.256:1x', 'a b:80'])(
    'is not %j',
    (text) => {
      expect(parseListenAddress(text)).toBeUndefined();
    },
  );
});

describe('a name server', () => {
  it.each([
    ['10.96.0.10', { address: '10.96.0.10', port: 53 }],
    ['10.96.0.10:1', { address: '10.96.0.10', port: 1 }],
    ['fd00::10', { address: 'fd00::10', port: 53 }],
    ['[fd00::10]', { address: 'fd00::10', port: 53 }],
    ['[::1]:65535', { address: '::1', port: 65535 }],
  ])('may be %j', (text, server) => {
    expect(parseDnsServer(text)).toEqual(server);
  });

  it.each([
    '',
    ':53',
    'localhost',
    'dns:53',
    '10.96.0.10:',
    '10.96.0.10:0',
    '10.96.0.10:65536',
    '10.96.0.256',
    '[10.96.0.10]:53',
    '[fd00::10',
    'fd00::10]:53',
    'udp://10.96.0.10',
    '10.96.0.10#53',
    ' 10.96.0.10',
  ])('is not %j', (text) => {
    expect(parseDnsServer(text)).toBeUndefined();
  });
});
