import type { MaintenanceAction, ServiceSpec, Spec } from '../../src/api/external-backend.ts';
import type { Wanted } from '../engine/histories/wanted.ts';

/** What a Service needs of an address now: see `wantedOf`. `standby`: an address of a better tier is there. */
export interface Need {
  readonly is: Wanted['is'];
  readonly why: Wanted['why'] | 'standby';
  /** True: it may be published although it is not ready, and must be marked then. */
  readonly isKept: boolean;
}

const free: Need = { is: 'free', why: '', isKept: true };

/** What decides about an address in addition to the state of its server. */
export interface NeedContext {
  readonly tierOf: (ip: string) => number;
  /** Action of the maintenance window that applies to an address; undefined: none does. */
  readonly actionOf: (ip: string) => MaintenanceAction | undefined;
}

/**
 * Returns what a Service needs of an address, with the other addresses of the Service in mind.
 *
 * | alone     | window | others                           | whenNoneReady | need                          |
 * |-----------|--------|----------------------------------|---------------|-------------------------------|
 * | in, or dead, or of another role | Freeze | any        | any           | free                          |
 * | in        | Drain  | one is needed that is not drained | any          | out, drained                  |
 * | in        | Drain  | one is free that is not drained  | any           | free                          |
 * | in        | other  | one of a better tier is needed   | any           | out, standby                  |
 * | in        | other  | one of a better tier is free     | any           | free                          |
 * | dead      | other  | one is needed or free            | any           | out                           |
 * | dead      | other  | none                             | Empty         | out                           |
 * | dead      | other  | none                             | KeepLast, All | out, or published with a mark |
 * | any other | any    | any                              | any           | the same                      |
 *
 * @param alone what the Service would need of each address without the others and without windows
 */
export function needsOf(
  { whenNoneReady = 'Empty' }: Pick<Partial<ServiceSpec>, 'whenNoneReady'>,
  context: NeedContext,
  alone: ReadonlyMap<string, Wanted>,
): (ip: string) => Need {
  const found = [...alone].map(([ip, wanted]) => [ip, frozen(wanted, context.actionOf(ip))] as const);
  const stay = found.filter(([ip]) => context.actionOf(ip) !== 'Drain');
  const isServed = stay.some(([, { is }]) => is === 'in');
  const mayBeServed = stay.some(([, { is }]) => is === 'free');
  // Drained addresses stay if there is nothing else.
  const used = isServed ? stay : found;
  const needs = new Map(found);
  return (ip) => {
    const own = needs.get(ip);
    if (own === undefined || own.is === 'free') return free;
    if (own.is === 'out')
      return {
        ...own,
        isKept: own.why === 'dead' && !used.some(([, { is }]) => is === 'in') && whenNoneReady !== 'Empty',
      };
    if (context.actionOf(ip) === 'Drain' && isServed) return { is: 'out', why: 'drained', isKept: false };
    if (!isServed && mayBeServed) return free;
    return inTier(ip, own, used, context);
  };
}

const frozen = (wanted: Wanted, action: MaintenanceAction | undefined): Wanted =>
  action === 'Freeze' && !['drained', 'absent', 'left'].includes(wanted.why)
    ? { is: 'free', why: '' }
    : wanted;

function inTier(
  ip: string,
  own: Wanted,
  used: readonly (readonly [string, Wanted])[],
  { tierOf }: NeedContext,
): Need {
  const better = used.filter(([other]) => tierOf(other) < tierOf(ip)).map(([, { is }]) => is);
  if (better.includes('in')) return { is: 'out', why: 'standby', isKept: false };
  return better.includes('free') ? free : { ...own, isKept: false };
}

/** Returns the best priority of the targets that ask for an address. */
export const tierIn =
  ({ targets }: Spec, names: ReadonlyMap<string, readonly string[]>) =>
  (ip: string): number =>
    Math.min(
      Infinity,
      ...targets
        .filter(({ host, drain }) => !drain && (names.get(host) ?? [host]).includes(ip))
        .map(({ priority }) => priority),
    );
