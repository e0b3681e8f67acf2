import type { ServiceSpec, Spec } from '../../../src/api/external-backend.ts';
import type { Server } from './outside.ts';

/** State of the servers and names outside. */
export interface OutsideState {
  readonly servers: ReadonlyMap<string, Server>;
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/**
 * Whether a Service should publish an address now, by the state outside.
 *
 * | the address                                           | wanted | why     |
 * |-------------------------------------------------------|--------|---------|
 * | of a backend that is suspended                        | free   |         |
 * | of no target                                          | out    | absent  |
 * | was removed from the answer of its name, and responds | free   |         |
 * | was removed from the answer of its name, and fails    | out    | left    |
 * | of a drained target                                   | out    | drained |
 * | fails                                                 | out    | dead    |
 * | of another role than the Service                      | out    | role    |
 * | a primary, and the Service falls back to it           | free   |         |
 * | any other                                             | in     |         |
 */
export interface Wanted {
  readonly is: 'in' | 'out' | 'free';
  readonly why: 'absent' | 'left' | 'drained' | 'dead' | 'role' | '';
}

const free: Wanted = { is: 'free', why: '' };
export const out = (why: Wanted['why']): Wanted => ({ is: 'out', why });

export type ServiceLike = Pick<ServiceSpec, 'name' | 'role'> & {
  readonly fallbackToPrimary?: boolean | undefined;
};

export function wantedOf(ip: string, service: ServiceLike, spec: Spec, outside: OutsideState): Wanted {
  if (spec.suspend) return free;
  const of = spec.targets.filter(({ host }) => (outside.names.get(host) ?? [host]).includes(ip));
  const server = outside.servers.get(ip);
  if (of.length === 0) return withoutTarget(spec, outside, server?.alive === true);
  if (of.every(({ drain }) => drain)) return out('drained');
  if (server?.alive !== true) return out('dead');
  return byRole(service, server.role);
}

function withoutTarget({ targets }: Spec, { names }: OutsideState, isAlive: boolean): Wanted {
  if (!targets.some(({ host }) => names.has(host))) return out('absent');
  return isAlive ? free : out('left');
}

function byRole(service: ServiceLike, role: Server['role']): Wanted {
  if (service.role === 'Any' || service.role === role) return { is: 'in', why: '' };
  return service.role === 'Replica' && service.fallbackToPrimary === true ? free : out('role');
}
