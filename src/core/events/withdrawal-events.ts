import { truncate } from '../status/text.ts';
import { withdrawalText, type Withdrawals } from '../status/withdrawal-status.ts';
import type { BackendEvent } from './backend-event.ts';

/** Returns the Events of what was withdrawn from a backend that is not reconciled. */
export function withdrawalEvents({ refused, externalIps }: Withdrawals): readonly BackendEvent[] {
  const event = (reason: BackendEvent['reason'], note: string): BackendEvent => ({
    type: 'Warning',
    reason,
    action: 'Withdraw',
    note,
  });
  return [
    ...(refused.size > 0 ? [event('TargetsRefused', `no longer published: ${withdrawalText(refused)}`)] : []),
    ...(externalIps.length > 0 ? [event('ExternalIPsRefused', truncate(externalIps.join('; ')))] : []),
  ];
}
