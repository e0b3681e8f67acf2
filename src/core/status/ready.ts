import { errorStalls } from '../errors.ts';
import type { Observation } from '../publish/observation.ts';
import { problemReasons, type Problem } from '../publish/problems.ts';
import type { WrittenService } from '../publish/written-service.ts';
import type { ReadyReason } from './condition-reasons.ts';
import type { StatusInput } from './status-input.ts';
import type { ConditionVerdict } from './status-parts.ts';
import { truncate } from './text.ts';

/**
 * Returns the condition `Ready`. It is about the spec and the writes, never about the database, because to
 * GitOps tools `Ready=False` means "still progressing". The first row that holds:
 *
 * | state                                                | Ready                               |
 * |------------------------------------------------------|-------------------------------------|
 * | spec.observe is true                                 | True Observing                      |
 * | a Service is not ours, or not fully                  | False Conflict, NameClaimed, …      |
 * | a write is refused, or fails several times in a row  | False, the reason of the API server |
 * | an alias, and all its hosts are refused              | False TargetsRefused                |
 * | a Service is being deleted, and a finalizer keeps it | False Terminating                   |
 * | a Service is missing                                 | False Missing                       |
 * | a Service waits to be taken over, and the rest is written | True Adopting                  |
 * | none of these                                        | True Published                      |
 *
 * `Adopting` is True, because only the database can end it: a tool that waits for `Ready` would otherwise undo
 * the change that takes the Service over.
 */
export function readyCondition(input: StatusInput): ConditionVerdict<ReadyReason> {
  const { error, observation } = input;
  if (observation !== undefined)
    return { status: 'True', reason: 'Observing', message: observingText(observation) };
  const adopting = input.problems.filter(isAdopting);
  const problem = ofProblems(
    'False',
    input.problems.filter((each) => !isAdopting(each)),
  );
  if (problem !== undefined) return problem;
  if (error !== undefined) return { status: 'False', reason: error.reason, message: truncate(error.message) };
  if (input.hasNoHost === true) return { status: 'False', ...noHost(input) };
  const waiting = adopting.map(({ service }) => service);
  const written = input.written.filter(({ name }) => !waiting.includes(name));
  const terminating = namesOf(written, 'terminating');
  if (terminating !== '')
    return {
      status: 'False',
      reason: 'Terminating',
      message: truncate(
        `Service ${terminating} is being deleted; it will be created again after its finalizers are removed (see its metadata.finalizers)`,
      ),
    };
  const missing = namesOf(written, 'missing');
  if (missing !== '')
    return { status: 'False', reason: 'Missing', message: truncate(`Service ${missing} is not created yet`) };
  const adoption = ofProblems('True', adopting);
  if (adoption !== undefined) return adoption;
  const names = written.map(({ name }) => name).join(', ');
  return { status: 'True', reason: 'Published', message: truncate(`published as Service ${names}`) };
}

/** Returns that nothing is written, and what would change or fail if it were. */
function observingText({ obstacles }: Observation): string {
  const text = 'spec.observe is true: nothing is written';
  return truncate(obstacles.length === 0 ? text : `${text}; without spec.observe: ${obstacles.join('; ')}`);
}

const isAdopting = ({ reason }: Problem): boolean => reason === 'Adopting';

/**
 * Returns the condition `Reconciling`. It is present only while the backend settles by itself: `True`, with
 * the reason and the message of the other condition. With it GitOps tools (kstatus) wait.
 *
 * | Stalled | Ready | Available   | Reconciling     |
 * |---------|-------|-------------|-----------------|
 * | True    | any   | any         | absent          |
 * | absent  | False | any         | as Ready        |
 * | absent  | True  | Unknown     | as Available    |
 * | absent  | True  | True, False | absent          |
 *
 * So it is absent after the first verdicts, whatever the database does later. A restart keeps health, and
 * causes none.
 */
export function reconcilingCondition({
  Ready,
  Stalled,
  Available,
}: Readonly<Record<'Ready' | 'Available', ConditionVerdict>> & {
  readonly Stalled: ConditionVerdict | undefined;
}): ConditionVerdict | undefined {
  if (Stalled !== undefined) return undefined;
  if (Ready.status === 'False') return { ...Ready, status: 'True' };
  return Available.status === 'Unknown' ? { ...Available, status: 'True' } : undefined;
}

/**
 * Returns the condition `Stalled`. It is present only while a person must act: `True`, with the reason and
 * the message of `Ready`. With it GitOps tools (kstatus) report a failure at once, instead of when they time
 * out.
 */
export function stalledCondition(input: StatusInput): ConditionVerdict<ReadyReason> | undefined {
  const { problems, error, observation } = input;
  if (observation !== undefined) return undefined;
  const stalling = problems.filter(({ reason }) => problemReasons[reason] === 'stalls');
  const stalled = ofProblems('True', stalling);
  if (stalled !== undefined) return stalled;
  if (error === undefined && input.hasNoHost === true) return { status: 'True', ...noHost(input) };
  if (error === undefined || !errorStalls(error)) return undefined;
  return { status: 'True', reason: error.reason, message: truncate(error.message) };
}

/** Returns a message with each host of an alias, if all of them are refused. */
const noHost = ({ candidates }: StatusInput): Omit<ConditionVerdict<ReadyReason>, 'status'> => ({
  reason: 'TargetsRefused',
  message: truncate(`all hosts of the alias are refused: ${candidates.map(({ why }) => why).join('; ')}`),
});

/** Returns the condition with the reason of the first problem; undefined: there is none. */
function ofProblems(
  status: ConditionVerdict['status'],
  problems: readonly Problem[],
): ConditionVerdict<ReadyReason> | undefined {
  const [first] = problems;
  const message = truncate(problems.map((problem) => problem.message).join('; '));
  return first && { status, reason: first.reason, message };
}

const namesOf = (written: readonly WrittenService[], state: WrittenService['state']): string =>
  written
    .filter((service) => service.state === state)
    .map(({ name }) => name)
    .join(', ');
