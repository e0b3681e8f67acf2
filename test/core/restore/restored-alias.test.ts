import { describe, expect, it } from '@jest/globals';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { restoreHealth } from '../../../src/core/restore/restore-health.ts';
import { aBackend } from '../../support/builders/builders.ts';
import { now } from '../support/seeds.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { BackendAddress } from '../../../src/core/resolution/addresses.ts';

describe('the host of an alias', () => {
  const backend = aBackend({ mode: 'ExternalName', targets: [{ host: 'a.example.com' }] });
  const [target] = backend.spec.targets;
  const addresses: readonly BackendAddress[] =
    target === undefined
      ? []
      : [{ ip: '10.0.0.1', family: 'IPv4', port: 0, host: 'a.example.com', target, kept: false }];
  const said = (health: string, current?: true) => ({
    targets: [
      {
        host: 'a.example.com',
        ...(current && { current }),
        addresses: [{ ip: '10.0.0.1', ready: true, health, reason: 'Connected' }],
      },
    ],
  });

  it.each([
    ['the Service points to it, healthy', 'a.example.com', said('healthy', true), ['healthy']],
    ['the Service points to it, and the status is older', 'a.example.com', said('healthy'), ['healthy']],
    ['the Service points to it, unhealthy', 'a.example.com', said('unhealthy', true), ['unhealthy']],
    ['the Service points to it, unhealthy before it did so', 'a.example.com', said('unhealthy'), ['unknown']],
    ['the Service points to it, nothing said', 'a.example.com', undefined, []],
    ['the Service points elsewhere, healthy', 'b.example.com', said('healthy', true), ['unknown']],
    ['the Service points elsewhere, unhealthy', 'b.example.com', said('unhealthy'), ['unknown']],
    ['there is no Service, healthy', undefined, said('healthy'), ['unknown']],
  ])('%s', (_, alias, status, states) => {
    const input = {
      groups: portGroups(backend.spec),
      addresses,
      published: { alias },
      at: { now: 0, wall: now },
    };
    const found = restoreHealth({ ...input, backend: { ...backend, status: status as Backend['status'] } });
    expect([...found.values()].map(({ state }) => state)).toEqual(states);
  });
});
