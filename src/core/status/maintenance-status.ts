import type { Status } from '../../api/external-backend.ts';
import type { ActiveWindow, MaintenanceState } from '../maintenance/maintenance-state.ts';
import type { DesiredService } from '../publish/desired.ts';
import { timestamp } from './text.ts';

export type MaintenanceStatus = NonNullable<Status['maintenance']>;

/** Returns the part of the status about maintenance; empty if there is none. */
export function maintenanceStatus(
  { active, next }: Pick<MaintenanceState, 'active' | 'next'>,
  desired: readonly Pick<DesiredService, 'name' | 'yielding'>[],
): Pick<Status, 'maintenance'> {
  const held = desired.flatMap(({ name, yielding }) => {
    const ips = [...yielding].flatMap(([{ ip }, fate]) => (fate === 'stays' ? [ip] : []));
    return ips.length > 0 ? [{ service: name, ips: [...new Set(ips)].toSorted() }] : [];
  });
  if (active.length === 0 && next === undefined) return {};
  return {
    maintenance: {
      ...(active.length > 0 && { active: active.map(activeStatus) }),
      ...(held.length > 0 && { held }),
      ...(next !== undefined && { next: { ...next, start: timestamp(next.start) } }),
    },
  };
}

const activeStatus = ({ name, action, targets, description, since, until }: ActiveWindow) => ({
  name,
  action,
  ...(targets !== undefined && { targets: [...targets] }),
  ...(since !== undefined && { since: timestamp(since) }),
  ...(until !== undefined && { until: timestamp(until) }),
  ...(description !== undefined && { description }),
});
