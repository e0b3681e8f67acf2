import { aliasName } from '../publish/external-name.ts';
import { addressReadiness, type Readiness } from '../health/readiness.ts';
import type { BackendAddress } from '../resolution/addresses.ts';
import { originsOf } from '../resolution/origins.ts';
import type { StatusInput } from './status-input.ts';
import { joinNonEmpty } from './text.ts';

/**
 * Returns the readiness of an address for the status: that of its probes, and what maintenance windows change.
 *
 * | by its probes | window                                     | ready | reason, message                       |
 * |---------------|--------------------------------------------|-------|---------------------------------------|
 * | not ready     | a Freeze keeps it                          | yes   | of its health; a window keeps it      |
 * | ready         | a Freeze keeps it out                      | no    | Frozen                                |
 * | ready         | a Drain, and it leaves all its Services    | no    | Drained                               |
 * | ready         | a Drain, and it stays or leaves some alone | yes   | of its health                         |
 * | any           | any other                                  | of its health | of its health                 |
 */
export function statusReadiness(address: BackendAddress, input: StatusInput): Readiness {
  const { groups, healthOf, countedHealthOf = healthOf } = input;
  const probed = addressReadiness(groups, address, healthOf);
  if (originsOf(address).every(({ target }) => target.maintenance === undefined)) return probed;
  const { ready } = addressReadiness(groups, address, countedHealthOf);
  if (ready && hasLeft(address, input)) return { ...probed, ready: false, reason: 'Drained', message: '' };
  if (ready === probed.ready) return probed;
  return ready
    ? { ...probed, ready, message: joinNonEmpty(probed.message, 'a maintenance window keeps it published') }
    : { ...probed, ready, reason: 'Frozen', message: 'a maintenance window does not let it return yet' };
}

/** Returns true if a Drain takes the address out of all Services that would publish it. */
function hasLeft(address: BackendAddress, { desired, alias, targets }: StatusInput): boolean {
  if (alias !== undefined) {
    const given = targets.filter(({ addresses }) => addresses.includes(address));
    return given.every(({ target }) => target.maintenance === 'Drain' && aliasName(target.host) !== alias);
  }
  const services = desired.filter(({ excluded }) => !excluded.has(address));
  return services.length > 0 && services.every(({ yielding }) => yielding.get(address) === 'leaves');
}
