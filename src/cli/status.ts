import { systemClock } from '../system-clock.ts';
import { openCluster, type Cluster } from './cluster.ts';
import type { FlagValues, Invocation } from './command.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { leaderOf, type Leader } from './leader.ts';
import { createReport, hasFindings, type BackendNotice, type Report } from './report.ts';
import { renderDetail } from './status-detail.ts';
import { renderList } from './status-list.ts';
import { UsageError } from './usage-error.ts';

const operatorName = 'external-backend-operator';

/** `status [NAME]`. */
export async function runStatus(invocation: Invocation): Promise<ExitCode> {
  const { args, flags, surroundings } = invocation;
  const [name] = args;
  const all = flags.isSet('all-namespaces');
  if (name !== undefined && (all || flags.text('selector') !== undefined))
    throw new UsageError('status takes a name, or -A and -l, not both');
  const cluster = openCluster(flags, surroundings.env);
  try {
    const report = await readReport(cluster, invocation, name);
    if (report.items.length === 0 && !isDocument(flags)) {
      const where = all ? 'in any namespace' : `in namespace ${cluster.namespace}: -A lists all namespaces`;
      surroundings.writeError(`No ExternalBackends ${where}\n`);
      return exitCodes.good;
    }
    surroundings.write(await formatted(report, invocation, name));
    return hasFindings(report) ? exitCodes.findings : exitCodes.good;
  } finally {
    await cluster.close();
  }
}

const isDocument = (flags: FlagValues): boolean => ['json', 'yaml'].includes(flags.text('output') ?? '');

async function readReport(
  cluster: Cluster,
  { flags, surroundings }: Invocation,
  name: string | undefined,
): Promise<Report> {
  const leader = readLeader(cluster, flags);
  if (name === undefined) {
    const query = { allNamespaces: flags.isSet('all-namespaces'), selector: flags.text('selector') };
    return createReport(await cluster.backends(query), await leader, systemClock.wall());
  }
  const events = cluster.events(name).catch((error: unknown): readonly BackendNotice[] => {
    surroundings.writeError(
      `warning: Events are missing: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return [];
  });
  const backend = await cluster.backend(name);
  return createReport([backend], await leader, systemClock.wall(), await events);
}

async function readLeader(cluster: Cluster, flags: FlagValues): Promise<Leader> {
  const namespace = flags.text('lease-namespace') ?? operatorName;
  const name = flags.text('lease-name') ?? operatorName;
  try {
    return leaderOf(await cluster.lease(namespace, name), `${namespace}/${name}`, systemClock.wall());
  } catch {
    const message = `it is not known whether an operator leads: the Lease ${namespace}/${name} cannot be read`;
    return { state: 'Unreadable', message };
  }
}

async function formatted(report: Report, invocation: Invocation, name: string | undefined): Promise<string> {
  const { flags, style } = invocation;
  const format = flags.text('output') ?? 'table';
  if (format === 'json') return `${JSON.stringify(report, undefined, 2)}\n`;
  if (format === 'yaml') return (await import('yaml')).stringify(report);
  const wall = systemClock.wall();
  const [item] = report.items;
  if (name !== undefined && item !== undefined) return renderDetail(report, item, wall, style);
  return renderList(report, {
    allNamespaces: flags.isSet('all-namespaces'),
    wide: format === 'wide',
    wall,
    style,
  });
}
