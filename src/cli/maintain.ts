import { parseDurationMs } from '../config/values.ts';
import { systemClock } from '../system-clock.ts';
import { isAnswer, openCluster, type Cluster } from './cluster.ts';
import type { FlagValues, Invocation } from './command.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { maintenanceAnnotation, withEntry, withoutDrain } from './maintenance-text.ts';
import type { StoredBackend } from './report.ts';
import { UsageError } from './usage-error.ts';

/** `drain` and `freeze`. */
export async function runMaintain(action: 'Drain' | 'Freeze', invocation: Invocation): Promise<ExitCode> {
  const forMs = durationOf(invocation.flags);
  const host = invocation.args[1];
  return change(invocation, (text, hosts, wall) =>
    withEntry(text, { action, host, until: wall + forMs }, hosts, wall),
  );
}

/** `undrain`. */
export const runUndrain = (invocation: Invocation): Promise<ExitCode> =>
  change(invocation, (text, _, wall) => withoutDrain(text, invocation.args[1], wall));

function durationOf(flags: FlagValues): number {
  const ms = parseDurationMs(flags.text('for') ?? '');
  if (ms === undefined || ms === 0)
    throw new UsageError('--for is required: a duration such as --for=30m or --for=2h, after which it ends');
  return ms;
}

type Change = (text: string | undefined, hosts: readonly string[], wall: number) => string | undefined;

/** Reads of the backend, because every write of the operator's status makes another version of it. */
const maxAttempts = 5;

async function change({ args, flags, surroundings }: Invocation, edit: Change): Promise<ExitCode> {
  const [name = ''] = args;
  const isDry = flags.isSet('dry-run');
  const cluster = openCluster(flags, surroundings.env);
  try {
    const text = await annotate(cluster, name, edit, isDry);
    const what = text === undefined ? 'removed' : `'${text}'`;
    surroundings.write(`${name}: ${maintenanceAnnotation} ${isDry ? 'would be' : 'is'} ${what}\n`);
    return exitCodes.good;
  } finally {
    await cluster.close();
  }
}

/** Changes the annotation of the version that was read, so that a change of another client in between is not lost. */
async function annotate(
  cluster: Cluster,
  name: string,
  edit: Change,
  isDry: boolean,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const backend = await cluster.backend(name);
    const before = backend.metadata.annotations?.[maintenanceAnnotation];
    const text = edit(before, hostsIn(backend), systemClock.wall());
    if (isDry) return text;
    try {
      await cluster.annotate(backend, { [maintenanceAnnotation]: text ?? null });
      return text;
    } catch (error) {
      if (!isAnswer(error, 409) || attempt === maxAttempts) throw error;
    }
  }
}

const hostsIn = ({ spec }: StoredBackend): readonly string[] => (spec.targets ?? []).map(({ host }) => host);
