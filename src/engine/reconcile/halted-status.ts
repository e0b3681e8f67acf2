import { parseStatus } from '../../api/parse.ts';
import type { OperatorError } from '../../core/errors.ts';
import { withdrawalEvents } from '../../core/events/withdrawal-events.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { statusOfHalt, type Halt } from '../../core/status/status.ts';
import {
  haltOfWithdrawal,
  statusWithoutRefused,
  type Withdrawals,
} from '../../core/status/withdrawal-status.ts';
import type { Clock } from '../../util/clock.ts';
import { eventsWhileTracked, type TrackedBackend } from './backend-tracker.ts';
import { writeTrackedStatus, type StatusWriterOptions } from './status-writer.ts';

/**
 * Writes why a backend is not reconciled. What is published remains, and so does the rest of its status.
 *
 * @param withdrawn addresses and external IPs that were withdrawn, with the reasons
 */
export async function writeHaltedStatus(
  raw: KubeObject,
  halt: Halt,
  withdrawn: Withdrawals,
  tracked: TrackedBackend,
  options: StatusWriterOptions & { readonly clock: Clock },
): Promise<readonly OperatorError[]> {
  const { generation = 0 } = raw.metadata;
  const previous = parseStatus(raw);
  const whole = { ...halt, ...haltOfWithdrawal(previous, withdrawn) };
  const rest = previous && statusWithoutRefused(previous, withdrawn.refused);
  const events = eventsWhileTracked(tracked, options.events);
  for (const event of withdrawalEvents(withdrawn)) events.record(raw, event);
  const status = statusOfHalt(rest, generation, whole, options.clock.wall());
  return writeTrackedStatus(raw, status, tracked, options);
}
