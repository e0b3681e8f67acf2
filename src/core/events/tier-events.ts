import type { Status } from '../../api/external-backend.ts';
import type { BackendEvent } from './backend-event.ts';

type ServiceStatus = NonNullable<Status['services']>[number];

/**
 * Returns an Event for each Service that uses another tier than before.
 *
 * | tier before | after   | Event                |
 * |-------------|---------|----------------------|
 * | none        | any     | none                 |
 * | any         | none    | none: see Available  |
 * | any         | worse   | Warning TierSwitched |
 * | any         | better  | Normal TierSwitched  |
 */
export function tierEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const before = new Map((previous?.services ?? []).map((service) => [service.name, service]));
  return (status.services ?? []).flatMap((service) => tierEvent(before.get(service.name), service));
}

function tierEvent(before: ServiceStatus | undefined, after: ServiceStatus): readonly BackendEvent[] {
  if (before?.tier === undefined || after.tier === undefined) return [];
  const { srvRank: from = 0 } = before;
  const { srvRank: to = 0 } = after;
  const change = after.tier - before.tier || to - from;
  if (change === 0) return [];
  const why =
    change > 0
      ? `because no server of ${textOf(before)} is ready`
      : `because a server of it has been ready for failbackSeconds, or ${textOf(before)} has none`;
  return [
    {
      type: change > 0 ? 'Warning' : 'Normal',
      reason: 'TierSwitched',
      action: 'Switch',
      note: `Service ${after.name} uses the servers of ${textOf(after)}, ${why}`,
    },
  ];
}

const textOf = ({ tier = 0, srvRank = 0 }: ServiceStatus): string =>
  srvRank === 0 ? `priority ${tier}` : `priority ${tier} (rank ${srvRank} of its SRV record)`;
