import type { Health } from '../health/state.ts';

/**
 * Returns the health of a check whose slices were read again. A health that no verdict has confirmed follows
 * newer slices, because the last writes of a former leader may arrive late. It follows them down and never
 * up, because another client may have edited a slice.
 *
 * | known                  | restored                    | result                                              |
 * |------------------------|-----------------------------|-----------------------------------------------------|
 * | nothing                | any                         | restored                                            |
 * | confirmed by a verdict | any                         | known                                               |
 * | unknown, not restored  | any other state             | restored                                            |
 * | restored healthy       | unhealthy, unknown          | restored                                            |
 * | restored healthy       | ready in some Services only | known; ready only in the Services in which both are |
 * | restored, any other    | another role                | known, with that role                               |
 * | restored, any other    | any                         | known                                               |
 */
export function restoredAgain(known: Health | undefined, restored: Health): Health {
  if (known === undefined) return restored;
  if (known.restored === undefined)
    return known.state === 'unknown' && restored.state !== 'unknown' ? restored : known;
  return known.state === 'healthy' ? lowered(known, restored) : withRole(known, restored);
}

function lowered(known: Health, restored: Health): Health {
  if (restored.state !== 'healthy') return restored;
  const { readyIn } = restored;
  return withRole(
    readyIn === undefined ? known : { ...known, readyIn: common(known.readyIn, readyIn) },
    restored,
  );
}

function withRole(known: Health, { replication }: Health): Health {
  if (known.replication?.role === replication?.role) return known;
  const { replication: _, ...rest } = known;
  return { ...rest, ...(replication && { replication }) };
}

const common = (a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> =>
  a === undefined ? b : new Set([...a].filter((name) => b.has(name)));
