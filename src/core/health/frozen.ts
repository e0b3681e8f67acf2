import type { Health } from './state.ts';

/**
 * Returns the health that counts for Services while a maintenance window freezes an address. The status has the health
 * of its probes.
 *
 * | counted so far | by its probes now | counts now                                                                  |
 * |----------------|-------------------|-----------------------------------------------------------------------------|
 * | none           | any               | that of its probes                                                          |
 * | unknown        | any               | that of its probes: a new address is judged once                            |
 * | any            | restored          | that of its probes: it is what is published                                 |
 * | same state     | same state        | that of its probes, so a role may change                                    |
 * | healthy        | any other         | as before; its role yields to one that a probe reports for another address  |
 * | unhealthy      | healthy           | that of its probes, as unhealthy                                            |
 * | unhealthy      | unknown           | as before                                                                   |
 */
export function frozenHealth(counted: Health | undefined, probed: Health): Health {
  if (counted === undefined || counted.state === 'unknown' || counted.state === probed.state) return probed;
  if (probed.restored === true) return probed;
  if (counted.state === 'healthy') return withYieldingRole(counted);
  return probed.state === 'healthy' ? { ...probed, state: 'unhealthy' } : counted;
}

/** A role that nothing confirms any more is `isDisputed`: a reported one is preferred. */
function withYieldingRole(counted: Health): Health {
  const { replication } = counted;
  if (replication?.role === undefined || replication.isDisputed === true) return counted;
  return { ...counted, replication: { ...replication, isDisputed: true } };
}
