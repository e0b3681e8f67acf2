import type { Leader } from '../../src/cli/leader.ts';
import { createReport, type Report, type StoredBackend } from '../../src/cli/report.ts';
import type { Style } from '../../src/cli/terminal.ts';

export const wall = Date.parse('2026-12-01T03:00:00Z');
export const plainStyle: Style = { colour: false, unicode: true, width: undefined };

export const leading: Leader = { state: 'Leading', message: 'leader operator-0' };

export type Conditions = Readonly<Record<string, 'True' | 'False' | 'Unknown'>>;

/** Returns a stored backend of generation 2 with these conditions, which began 90 s before `wall`. */
export function storedWith(
  conditions: Conditions,
  status: StoredBackend['status'] = {},
  name = 'orders-db',
): StoredBackend {
  const list = Object.entries(conditions).map(([type, value]) => ({
    ...{ type, status: value, reason: `${type}Reason`, message: `message of ${type}` },
    lastTransitionTime: '2026-12-01T02:58:30Z',
  }));
  return {
    metadata: { name, namespace: 'shop', generation: 2 },
    spec: { mode: 'Endpoints' },
    status: { observedGeneration: 2, conditions: list, summary: '1/2', ...status },
  };
}

export const reportWith = (...backends: readonly StoredBackend[]): Report =>
  createReport(backends, leading, wall);
