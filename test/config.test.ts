import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseConfig } from '../src/config.ts';
import { options } from '../src/config/options.ts';
import { configOf, messageOf } from './support/builders/config-of.ts';
import type { Config, Env } from '../src/config.ts';

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
      secondOpinion: true,
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
      isolationShare: 50,
      isolationMinHosts: 3,
      canary: [],
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
      'canaries of both families',
      ['--canary=10.0.0.1:53', '--canary=[FD00::1]:443'],
      {},
      {
        canary: [
          { ip: '10.0.0.1', port: 53 },
          { ip: 'fd00::1', port: 443 },
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
