import type { Status } from '../../api/external-backend.ts';
import type { BackendEvent } from './backend-event.ts';

const begins = {
  KeepLast: {
    reason: 'NoneReadyKept',
    text: 'no address is ready: the last addresses that were ready stay published (whenNoneReady: KeepLast)',
  },
  All: {
    reason: 'NoneReadyAll',
    text: 'no address is ready: all addresses are published (whenNoneReady: All)',
  },
} as const;

const action = 'Publish';

type ServiceStatus = NonNullable<Status['services']>[number];

/**
 * Returns the Events of a status that was written.
 *
 * | fallback before | after   | ready addresses after | Event                                        |
 * |-----------------|---------|-----------------------|----------------------------------------------|
 * | any             | the same | any                  | none                                         |
 * | none, or another | one    | any                   | Warning NoneReadyKept or NoneReadyAll        |
 * | one             | none    | some                  | Normal FallbackEnded                         |
 * | one             | none    | none                  | Warning FallbackEnded: the Service is empty  |
 * | one             | no such Service | any           | none                                         |
 */
export function fallbackEvents(previous: Status | undefined, status: Status): readonly BackendEvent[] {
  const before = new Map((previous?.services ?? []).map(({ name, fallback }) => [name, fallback]));
  return (status.services ?? []).flatMap((service) => fallbackEvent(before.get(service.name), service));
}

function fallbackEvent(
  before: string | undefined,
  { name, ready, fallback }: ServiceStatus,
): readonly BackendEvent[] {
  if (before === fallback) return [];
  if (fallback === 'KeepLast' || fallback === 'All') {
    const { reason, text } = begins[fallback];
    return [{ type: 'Warning', reason, action, note: `Service ${name}: ${text}` }];
  }
  const note =
    ready > 0
      ? `Service ${name} publishes only ready addresses again`
      : `Service ${name} publishes no address any more: those that it kept were drained or removed, or have another role`;
  return [{ type: ready > 0 ? 'Normal' : 'Warning', reason: 'FallbackEnded', action, note }];
}
