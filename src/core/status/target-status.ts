import type { BackendAddress, TargetAddresses } from '../resolution/addresses.ts';
import { aliasName } from '../publish/external-name.ts';
import type { StatusInput } from './status-input.ts';
import type { AddressStatus, TargetStatus } from './status-parts.ts';
import { isDrainedIn } from '../resolution/origins.ts';
import type { Readiness } from '../health/readiness.ts';
import type { DesiredService } from '../publish/desired.ts';
import type { Roles } from '../roles/primary-election.ts';
import { statusReadiness } from './address-readiness.ts';
import { joinNonEmpty, truncate, timestamp } from './text.ts';

/** Returns the status of one target. */
export function targetStatus(
  { target, addresses, resolution, message }: TargetAddresses,
  input: StatusInput,
): TargetStatus {
  return {
    host: target.host,
    ...(target.port !== 0 && { port: target.port }),
    ...(message !== undefined && { message: truncate(message) }),
    ...(resolution !== undefined && { resolution: resolutionStatus(resolution) }),
    ...(input.alias === aliasName(target.host) && { current: true }),
    addresses: addresses.map((address) => {
      const readiness = statusReadiness(address, input);
      return {
        ip: address.ip,
        ...recordStatus(address),
        ...addressStatus(readiness),
        ...publication(address, readiness, input),
        ...roleStatus(address, input.roles),
        ...(address.kept && { kept: true }),
        ...exclusions(address, readiness.ready, input),
      };
    }),
  };
}

function resolutionStatus({
  state = 'Pending',
  resolvedWall,
  error,
}: NonNullable<TargetAddresses['resolution']>): NonNullable<TargetStatus['resolution']> {
  return {
    state,
    ...(resolvedWall !== undefined && { resolvedAt: timestamp(resolvedWall) }),
    ...(error !== undefined && { error: truncate(error) }),
  };
}

const recordStatus = ({ record }: BackendAddress): Partial<AddressStatus> =>
  record === undefined
    ? {}
    : { port: record.port, host: record.host, priority: record.priority, weight: record.weight };

/**
 * Returns the readiness of an address according to the slices. Services that do not want the address (role,
 * lag, family) do not count.
 *
 * | to be ready | ready in a slice    | ready         | reason, message |
 * |-------------|---------------------|---------------|-----------------|
 * | yes         | yes                 | true          | of its health   |
 * | no          | no                  | false         | of its health   |
 * | any         | no Service wants it | as its health | of its health   |
 * | yes         | no                  | false         | PublishRefused and the message of the API server; NotPublished if the Service is not ours; else of its health, because it will be written in a moment |
 * | no          | yes                 | true          | of its health; if its removal is refused, the message reports it |
 */
function publication(
  address: BackendAddress,
  { ready, message }: Readiness,
  { written, error, refused, problems }: StatusInput,
): Partial<AddressStatus> {
  const services = written.filter((service) => service.isReady(address) !== undefined);
  if (services.length === 0) return {};
  const isPublished = services.some((service) => service.isReady(address) === true);
  if (isPublished === ready) return {};
  if (isPublished) {
    const text =
      error === undefined ? message : joinNonEmpty(message, 'it could not be removed; see condition Ready');
    return { ready: true, ...(text !== '' && { message: truncate(text) }) };
  }
  const why =
    services.flatMap(({ name }) => refused?.get(`${name} ${address.ip}`) ?? [])[0] ?? error?.message;
  if (why !== undefined) return { ready: false, reason: 'PublishRefused', message: truncate(why) };
  const foreign = problems.some(({ published }) => !published);
  return { ready: false, ...(foreign && { reason: 'NotPublished', message: 'see condition Ready' }) };
}

/**
 * Returns the Services that do not publish the address although its health would allow it, and those that
 * cannot carry it at all.
 */
function exclusions(
  address: BackendAddress,
  ready: boolean,
  { desired, written, refused, roles }: StatusInput,
): Pick<AddressStatus, 'excluded'> {
  const excluded = desired.flatMap((service, i): NonNullable<AddressStatus['excluded']> => {
    const { name } = service;
    const isRefused =
      refused?.has(`${name} ${address.ip}`) === true && written[i]?.isReady(address) === false;
    const reason = service.excluded.get(address) ?? (isRefused ? 'PublishRefused' : undefined);
    if (reason !== undefined && (ready || reason === 'FamilyNotServed')) return [{ service: name, reason }];
    const withheld = ready ? withheldBy(service, address, roles) : undefined;
    return withheld === undefined ? [] : [{ service: name, reason: withheld }];
  });
  return excluded.length > 0 ? { excluded } : {};
}

/** Returns why a Service that wants an address does not publish it, although it is ready; undefined: it does. */
function withheldBy(
  { spec, standby, yielding }: DesiredService,
  address: BackendAddress,
  roles: Roles,
): 'Standby' | 'Drained' | undefined {
  if (standby.has(address)) return 'Standby';
  const isDrained =
    yielding.get(address) === 'leaves' || isDrainedIn(address, spec.role, roles.isGiven(address));
  return isDrained ? 'Drained' : undefined;
}

function roleStatus(address: BackendAddress, roles: Roles): Pick<AddressStatus, 'role' | 'lagOverSeconds'> {
  const role = roles.roleOf(address);
  const lag = roles.exceededLagLimits(address).at(-1);
  return { ...(role !== undefined && { role }), ...(lag !== undefined && { lagOverSeconds: lag }) };
}

const addressStatus = ({ ready, health, reason, message, since }: Readiness): Omit<AddressStatus, 'ip'> => ({
  ready,
  health,
  reason,
  ...(message !== '' && { message: truncate(message) }),
  ...(since !== undefined && { since: timestamp(since) }),
});
