import type { History } from './history.ts';

/** Returns true if a history still fails in the same way. */
export type Fails = (history: History) => Promise<boolean>;

/**
 * Returns the shortest history that still fails: events are left out, first halves and at last single ones,
 * and the rest is made simpler. Each purpose has random numbers of its own, so what remains mostly happens as
 * before.
 */
export async function shrink(history: History, fails: Fails, maxRuns = 120): Promise<History> {
  let best = history;
  let runs = 0;
  const attempt = async (next: History): Promise<boolean> => {
    runs += 1;
    if (runs > maxRuns || !(await fails(next))) return false;
    best = next;
    return true;
  };
  for (let size = Math.ceil(best.acts.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < best.acts.length;)
      if (!(await attempt({ ...best, acts: best.acts.toSpliced(from, size) }))) from += size;
  for (const simple of simpler) await attempt({ ...best, ...simple });
  return best;
}

const simpler: readonly Partial<History>[] = [
  { hasThreads: false },
  { replicas: 1 },
  { replicas: 2 },
  { maxEndpointsPerSlice: 100 },
];
