import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { restoreHealth } from '../../../src/core/restore/health-seeds.ts';
import { statusOf } from '../../../src/core/status/status.ts';
import { addressesIn, desiredOf, rolesOf, writtenOf } from '../../support/builders/builders.ts';
import type { Backend } from '../../../src/api/external-backend.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { Published } from '../../../src/core/restore/published-readiness.ts';

export const now = Date.UTC(2026, 0, 1);

export const seedsOf = (backend: Backend, published: Published, status?: Backend['status']) =>
  restoreHealth({
    backend: { ...backend, status },
    groups: portGroups(backend.spec),
    addresses: addressesIn(backend.spec),
    published,
    at: { now: 0, wall: now },
  });

export const statusAt = (backend: Backend, healthOf: HealthOf, at = now) =>
  statusOf({
    backend,
    targets: backend.spec.targets.map((target, i) => ({
      target,
      addresses: addressesIn(backend.spec).filter((_, j) => i === j),
    })),
    groups: portGroups(backend.spec),
    healthOf,
    desired: desiredOf(backend, healthOf),
    written: writtenOf(desiredOf(backend, healthOf)),
    problems: [],
    roles: rolesOf(backend, healthOf),
    missing: [],
    alias: undefined,
    candidates: [],
    error: undefined,
    now: at,
  });
