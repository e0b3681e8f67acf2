import type { OperatorError } from '../../core/errors.ts';
import type { Outcome } from '../queue/outcome.ts';
import type { TrackedBackend } from './backend-tracker.ts';
import type { Contests } from './contests.ts';
import type { WrittenInputs } from './written-inputs.ts';

/**
 * Returns the outcome of a run. Changes that depend only on time are due whether or not the writes were accepted.
 *
 * @param now monotonic
 * @param pauseMs remaining delay of a status
 */
export function outcomeOfRun(
  error: OperatorError | undefined,
  inputs: Pick<WrittenInputs, 'key' | 'nextAt' | 'alias' | 'waiting' | 'desired'>,
  {
    refusals,
    replacements,
    unstored,
    flapping,
  }: Pick<TrackedBackend, 'refusals' | 'replacements' | 'unstored' | 'flapping'>,
  contests: Contests,
  now: number,
  pauseMs?: number,
): Outcome {
  const { waiting, nextAt } = inputs;
  const instants = [nextAt, refusals.nextAt(), replacements.nextAt(now), unstored.nextAt()].filter(
    (at) => at !== undefined,
  );
  const switches = [inputs.alias?.choice.afterMs, ...inputs.desired.map(({ afterMs }) => afterMs)];
  const delays = [
    // A rest of a rounding error would repeat the run at the same instant.
    ...switches.map((ms) => (ms === undefined ? undefined : Math.max(1, ms))),
    pauseMs,
    contests.nextMs(inputs.key),
    flapping.nextMs(now, waiting !== undefined || flapping.isNameHeld, waiting?.isEmpty === true),
    ...instants.map((at) => Math.max(1, at - now)),
  ].filter((ms) => ms !== undefined);
  const afterMs = delays.length > 0 ? Math.min(...delays) : undefined;
  if (error !== undefined)
    return afterMs === undefined ? error : { ok: false, error, requeueAfterMs: afterMs };
  return { ok: true, ...(afterMs !== undefined && { requeueAfterMs: afterMs }) };
}
