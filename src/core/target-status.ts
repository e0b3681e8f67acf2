import type { BackendAddress, TargetAddresses } from './address.ts';
import { aliasName } from './alias.ts';
import type { AddressStatus, StatusInput, TargetStatus } from './conditions.ts';
import type { DesiredService } from './desired.ts';
import { overall, type Readiness } from './readiness.ts';
import type { Roles } from './roles.ts';
import { bounded, timestamp } from './status-text.ts';

/** What became of one target. */
export function targetStatus(
  { target, addresses, resolution, message }: TargetAddresses,
  input: StatusInput,
): TargetStatus {
  return {
    host: target.host,
    ...(target.port !== 0 && { port: target.port }),
    ...(message !== undefined && { message: bounded(message) }),
    ...(resolution !== undefined && { resolution: resolutionStatus(resolution) }),
    ...(input.alias === aliasName(target.host) && { current: true }),
    addresses: addresses.map((address) => {
      const readiness = overall(input.groups, address, input.healthOf);
      return {
        ip: address.ip,
        ...recordStatus(address),
        ...addressStatus(readiness, target.drain),
        ...roleStatus(address, input.roles),
        ...(address.kept && { kept: true }),
        ...exclusions(address, readiness.ready, input.desired),
      };
    }),
  };
}

function resolutionStatus({
  rule = 'Pending',
  resolvedWall,
  error,
}: NonNullable<TargetAddresses['resolution']>): NonNullable<TargetStatus['resolution']> {
  return {
    rule,
    ...(resolvedWall !== undefined && { resolvedAt: timestamp(resolvedWall) }),
    ...(error !== undefined && { error: bounded(error) }),
  };
}

const recordStatus = ({ record }: BackendAddress): Partial<AddressStatus> =>
  record === undefined
    ? {}
    : { port: record.port, host: record.host, priority: record.priority, weight: record.weight };

/** Services that the address is missing from although its health would allow it, and those that cannot carry it at all. */
function exclusions(
  address: BackendAddress,
  ready: boolean,
  desired: readonly DesiredService[],
): Pick<AddressStatus, 'excluded'> {
  const excluded = desired.flatMap(({ name, excluded: all }) => {
    const reason = all.get(address);
    return reason !== undefined && (ready || reason === 'FamilyNotServed') ? [{ service: name, reason }] : [];
  });
  return excluded.length > 0 ? { excluded } : {};
}

function roleStatus(address: BackendAddress, roles: Roles): Pick<AddressStatus, 'role' | 'lagOverSeconds'> {
  const role = roles.roleOf(address);
  const lag = roles.laggingOf(address).at(-1);
  return { ...(role !== undefined && { role }), ...(lag !== undefined && { lagOverSeconds: lag }) };
}

function addressStatus(readiness: Readiness, drain: boolean): Omit<AddressStatus, 'ip'> {
  const { ready, health, reason, message, since } = readiness;
  const drained = drain && (health === 'healthy' || reason === 'ProbeDisabled');
  return {
    ready,
    health,
    reason: drained ? 'Drained' : reason,
    ...(message !== '' && !drained && { message: bounded(message) }),
    ...(since !== undefined && { since: timestamp(since) }),
  };
}
