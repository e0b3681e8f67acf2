import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { portGroups } from '../../../src/core/probing/port-groups.ts';
import { addressesOf } from '../../../src/core/resolution/addresses.ts';
import { statusOf } from '../../../src/core/status/status.ts';
import {
  aBackend,
  allHealthy,
  desiredOf,
  firstAlias,
  literal,
  rolesOf,
  writtenOf,
} from '../../support/builders/builders.ts';
import type { Backend, Status } from '../../../src/api/external-backend.ts';
import type { HealthOf } from '../../../src/core/health/readiness.ts';
import type { StatusInput } from '../../../src/core/status/status-input.ts';

export const now = Date.UTC(2026, 0, 1, 12);

export function status(
  backend: Backend,
  healthOf: HealthOf = allHealthy,
  over: Partial<StatusInput> = {},
): Status {
  const alias = backend.spec.mode === 'ExternalName';
  return statusOf({
    backend,
    targets: alias
      ? backend.spec.targets.map((target) => ({ target, addresses: [] }))
      : addressesOf(backend.spec.targets, literal, forbiddenRule, backend.spec.ports),
    groups: alias ? [] : portGroups(backend.spec),
    healthOf,
    desired: desiredOf(backend, healthOf),
    written: writtenOf(desiredOf(backend, healthOf)),
    problems: [],
    roles: rolesOf(backend, healthOf),
    missing: [],
    alias: firstAlias(backend),
    candidates: [],
    error: undefined,
    now,
    ...over,
  });
}

export const condition = (of: Status, type: string) => of.conditions?.find((each) => each.type === type);
export const alias = aBackend({ mode: 'ExternalName', targets: [{ host: 'db.example.com' }] });
