import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { restoreHealth } from '../../../src/core/restore/restore-health.ts';
import { addressesIn } from '../../support/builders/builders.ts';
import { status } from './statuses.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { Published } from '../../../src/core/restore/published-readiness.ts';

export const now = Date.UTC(2026, 0, 1);

export const seedsOf = (backend: Backend, published: Published, stored?: Backend['status']) =>
  restoreHealth({
    backend: { ...backend, status: stored },
    groups: portGroups(backend.spec),
    addresses: addressesIn(backend.spec),
    published,
    at: { now: 0, wall: now },
  });

export const statusAt = (backend: Backend, healthOf: HealthOf, at = now) =>
  status(backend, healthOf, { now: at });
