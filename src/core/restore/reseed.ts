import type { Health } from '../health/state.ts';

/**
 * Returns the health of a check whose slices were read again. A health that no verdict has confirmed follows
 * newer slices, because the last writes of a former leader may arrive late. It follows them down and never
 * up, because another client may have edited a slice.
 *
 * | known                  | seed                        | result                                              |
 * |------------------------|-----------------------------|-----------------------------------------------------|
 * | nothing                | any                         | seed                                                |
 * | confirmed by a verdict | any                         | known                                               |
 * | unknown, not seeded    | any other state             | seed                                                |
 * | seeded healthy         | unhealthy, unknown          | seed                                                |
 * | seeded healthy         | ready in some Services only | known; ready only in the Services in which both are |
 * | seeded, any other      | another role                | known, with that role                               |
 * | seeded, any other      | any                         | known                                               |
 */
export function reseeded(known: Health | undefined, seed: Health): Health {
  if (known === undefined) return seed;
  if (known.seeded === undefined) return known.state === 'unknown' && seed.state !== 'unknown' ? seed : known;
  return known.state === 'healthy' ? lowered(known, seed) : withRole(known, seed);
}

function lowered(known: Health, seed: Health): Health {
  if (seed.state !== 'healthy') return seed;
  const { readyIn } = seed;
  return withRole(
    readyIn === undefined ? known : { ...known, readyIn: common(known.readyIn, readyIn) },
    seed,
  );
}

function withRole(known: Health, { replication }: Health): Health {
  if (known.replication?.role === replication?.role) return known;
  const { replication: _, ...rest } = known;
  return { ...rest, ...(replication && { replication }) };
}

const common = (a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> =>
  a === undefined ? b : new Set([...a].filter((name) => b.has(name)));
