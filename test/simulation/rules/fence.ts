import type { CreateRule } from './rule.ts';

/**
 * E5: a replica sends a write only while the stored Lease is its own, and no late write of a former term replaces
 * addresses of a later one. So there are never two writers.
 */
export const oneWriter: CreateRule = (scene, fault) => {
  const terms: string[] = [];
  const last = new Map<string, number>();
  return {
    sent: ({ replica }) => {
      const { holder } = scene.cluster;
      if (holder !== replica.identity)
        fault(`${replica.identity} sent a write while the Lease is of ${holder ?? 'no one'}`);
    },
    written: ({ before, after, by }) => {
      const { kind = '', metadata } = after ?? before ?? {};
      if (by === undefined || !isOfAddresses(kind)) return;
      const term = `${by.replica.identity} ${by.term}`;
      if (!terms.includes(term)) terms.push(term);
      const key = `${kind} ${metadata?.name ?? ''}`;
      // A late create has no version that could refuse it, and replaces nothing.
      const replacedBy = before === undefined ? Infinity : terms.indexOf(term);
      if (replacedBy < (last.get(key) ?? 0)) fault(`${key} was written by ${term} after a later term`);
      last.set(key, terms.indexOf(term));
    },
  };
};

const isOfAddresses = (kind: string): boolean => kind === 'EndpointSlice' || kind === 'Endpoints';
