import type { Status } from '../../api/external-backend.ts';
import type { BackendEvent } from './backend-event.ts';

type Maintenance = NonNullable<Status['maintenance']>;
type Active = NonNullable<Maintenance['active']>[number];

/**
 * Returns the Events about maintenance of a status that replaced another one. So a restart in the middle of a window
 * repeats none.
 *
 * | before                            | after                   | Event                                 |
 * |-----------------------------------|-------------------------|---------------------------------------|
 * | the window is not active          | it is                   | Normal MaintenanceBegan               |
 * | it is                             | it is not               | Normal MaintenanceEnded               |
 * | a Service keeps none, or others   | it keeps addresses      | Warning MaintenanceHeld               |
 */
export function maintenanceEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const [before, after] = [previous, status].map((each) => each?.maintenance?.active ?? []);
  const held = previous?.maintenance?.held ?? [];
  return [
    ...missingIn(before ?? [], after ?? []).map(beganEvent),
    ...missingIn(after ?? [], before ?? []).map(endedEvent),
    ...(status.maintenance?.held ?? []).flatMap(({ service, ips }) =>
      held.some((each) => each.service === service && each.ips.join() === ips.join())
        ? []
        : [heldEvent(service, ips)],
    ),
  ];
}

/** Returns the windows of `all` that are not in `some`. */
const missingIn = (some: readonly Active[], all: readonly Active[]): readonly Active[] =>
  all.filter(({ name, action }) => !some.some((each) => each.name === name && each.action === action));

const action = 'Maintain';

const effects: Readonly<Record<string, string>> = {
  Drain: 'its targets leave the Services, as long as another address is ready',
  Freeze: 'health neither removes nor adds addresses',
  Quiet: 'Events about its targets are of type Normal',
};

const most = 5;

function targetsText(targets: readonly string[] | undefined): string {
  if (targets === undefined) return 'all targets';
  const more = targets.length > most ? ` and ${targets.length - most} more` : '';
  return `${targets.slice(0, most).join(', ')}${more}`;
}

function beganEvent({ name, action: of, targets, until, description }: Active): BackendEvent {
  const end = until === undefined ? '' : ` until ${until}`;
  const why = description === undefined ? '' : ` (${description})`;
  const note = `maintenance window ${name} began: ${of} of ${targetsText(targets)}${end}${why}; ${effects[of] ?? ''}`;
  return { type: 'Normal', reason: 'MaintenanceBegan', action, note, about: name };
}

const endedEvent = ({ name, action: of, targets }: Active): BackendEvent => ({
  ...{ type: 'Normal', reason: 'MaintenanceEnded', action, about: name },
  note: `maintenance window ${name} ended: ${of} of ${targetsText(targets)}${of === 'Freeze' ? '; addresses leave or return after full thresholds of new verdicts' : ''}`,
});

const heldEvent = (service: string, ips: readonly string[]): BackendEvent => ({
  ...{ type: 'Warning', reason: 'MaintenanceHeld', action, about: service },
  note: `Service ${service} keeps ${targetsText(ips)} although a maintenance window drains it, because no other address is ready: make another server ready, or wait`,
});
