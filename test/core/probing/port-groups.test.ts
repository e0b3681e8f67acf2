import { describe, expect, it } from '@jest/globals';
import { checksOf, portGroups } from '../../../src/core/probing/port-groups.ts';
import { aBackend, addressesIn, type SpecInput } from '../../support/builders/builders.ts';

const checksIn = (spec: SpecInput) => {
  const { spec: parsed } = aBackend({ targets: [{ host: '10.20.0.11' }], ...spec });
  return checksOf(portGroups(parsed), addressesIn(parsed));
};

const udpFirst = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, targetPort: 5353 },
  { name: 'web', port: 80, targetPort: 8080 },
];

describe('checksOf', () => {
  it.each<readonly [string, SpecInput, number]>([
    ['without a probe: the first TCP port', { ports: udpFirst }, 5353],
    ['the targetPort', { ports: [{ port: 5432, targetPort: 6432 }] }, 6432],
    ['a port by name: its targetPort', { ports: udpFirst, probe: { port: 'web' } }, 8080],
    ['a port by number: its targetPort', { ports: udpFirst, probe: { port: 80 } }, 8080],
    ['a number that two protocols share: the TCP one', { ports: udpFirst, probe: { port: 53 } }, 5353],
    ["the target's own port", { targets: [{ host: '10.20.0.11', port: 5999 }] }, 5999],
    [
      "the target's own port, the backend's given by number",
      { targets: [{ host: '10.20.0.11', port: 5999 }], probe: { port: 5432 } },
      5999,
    ],
    ['a health endpoint in addition to the database', { probe: { port: 8008 } }, 8008],
    [
      "a health endpoint beside the database, not the target's own port",
      { targets: [{ host: '10.20.0.11', port: 5999 }], probe: { port: 8008 } },
      8008,
    ],
    ['icmp dials no port', { probe: { icmp: {} } }, 0],
  ])('probes %s', (_, spec, port) => {
    expect(checksIn(spec).map((check) => check.port)).toEqual([port]);
  });

  it('makes one check for a port with its own probe, and one for all others', () => {
    const ports = [
      { name: 'pg', port: 5432 },
      { name: 'web', port: 80, probe: { httpGet: { path: '/up' } } },
      { name: 'x', port: 9 },
    ];
    expect(checksIn({ ports })).toMatchObject([
      { id: '10.20.0.11|5432|all', port: 5432, handler: { kind: 'tcpSocket' } },
      { id: '10.20.0.11|80|80/TCP', port: 80, handler: { kind: 'httpGet', request: { path: '/up' } } },
    ]);
  });

  it.each([
    ['probe', { probe: { disabled: {} } }],
    ['ports[].probe', { ports: [{ port: 5432, probe: { disabled: {} } }] }],
  ])('makes no checks when probing is disabled: %s', (_, spec) => expect(checksIn(spec)).toEqual([]));

  it.each([
    [{ periodSeconds: 10, timeoutSeconds: 10 }, 10_000, undefined],
    [
      { periodSeconds: 10, timeoutSeconds: 11 },
      10_000,
      'timeout 10 s instead of 11 s (at most the period, and at most 60 s)',
    ],
    [
      { periodSeconds: 3600, timeoutSeconds: 3600 },
      60_000,
      'timeout 60 s instead of 3600 s (at most the period, and at most 60 s)',
    ],
  ])('limits the timeout to the period and a minute: %j', (probe, timeoutMs, cut) => {
    const { spec } = aBackend({ probe });
    const [group] = portGroups(spec);
    expect(group?.probe).toMatchObject({ timing: { timeoutMs } });
    expect(group?.probe?.cut).toBe(cut);
  });

  it("has the kubelet's default timing, in milliseconds", () => {
    expect(checksIn({})[0]?.timing).toEqual({
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1_000,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });

  it.each([
    ['thresholds', { probe: { failureThreshold: 9 } }, true],
    ['the path', { probe: { httpGet: { path: '/x' } } }, true],
    ['another port dialled', { ports: [{ port: 5432, targetPort: 6432 }] }, false],
  ])('keeps the id of a check after a change of %s: %s', (_, spec, same) => {
    expect(checksIn(spec)[0]?.id === checksIn({})[0]?.id).toBe(same);
  });

  it('makes a separate id for each address and port', () => {
    const targets = [{ host: '10.20.0.11' }, { host: '10.20.0.11', port: 5433 }, { host: 'fd00::1' }];
    expect(new Set(checksIn({ targets }).map(({ id }) => id)).size).toBe(3);
  });
});
