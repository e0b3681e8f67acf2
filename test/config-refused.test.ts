import { describe, expect, it } from '@jest/globals';
import { messageOf } from './support/builders/config-of.ts';
import type { Env } from '../src/config.ts';

describe('configuration', () => {
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
    [
      'a canary without a port',
      ['--canary=10.0.0.1'],
      {},
      '--canary has "10.0.0.1", which is not an address with a port such as 10.0.0.1:53 or [fd00::1]:53 (now "10.0.0.1")',
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
});
