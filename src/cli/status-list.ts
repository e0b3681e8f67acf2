import { ageOf } from './age.ts';
import { statusCondition, toneOfVerdict, type Report, type ReportedBackend } from './report.ts';
import { renderTable, type Column } from './table.ts';
import { coloured, markOf, type Style } from './terminal.ts';
import { isLeaderless, type Leader } from './leader.ts';

export interface ListOptions {
  readonly allNamespaces: boolean;
  readonly wide: boolean;
  readonly wall: number;
  readonly style: Style;
}

/** Renders one line for each backend, and when and by whom the statuses were written. */
export function renderList(report: Report, options: ListOptions): string {
  const table = renderTable(columnsOf(options), report.items, options.style);
  return `${table}\n${asOfLine(report, options.style)}`;
}

function columnsOf({ allNamespaces, wide, wall, style }: ListOptions): readonly Column<ReportedBackend>[] {
  const columns: readonly (Column<ReportedBackend> | undefined)[] = [
    { title: ' ', cell: ({ verdict }) => toned(markOf(toneOfVerdict[verdict], style), verdict) },
    allNamespaces ? { title: 'NAMESPACE', cell: ({ namespace }) => namespace } : undefined,
    { title: 'NAME', cell: ({ name }) => name },
    wide ? { title: 'MODE', cell: ({ mode }) => mode, optional: 5 } : undefined,
    { title: 'READY', cell: ({ status }) => status.summary ?? '-' },
    { title: 'STATE', cell: ({ verdict }) => toned(verdict, verdict) },
    { title: 'SINCE', cell: (item) => ageOf(decisive(item)?.lastTransitionTime, wall), optional: 1 },
    { title: 'PRIMARY', cell: ({ status }) => status.primary ?? '-', optional: 3 },
    {
      title: 'MAINTENANCE',
      cell: ({ status }) => status.maintenance?.active?.[0]?.action ?? '-',
      optional: 4,
    },
    wide ? { title: 'TARGETS', cell: ({ status }) => status.hosts ?? '-', optional: 6 } : undefined,
    { title: 'REASON', cell: reasonText(wide) },
  ];
  return columns.filter((column) => column !== undefined);
}

const toned = (text: string, verdict: ReportedBackend['verdict']) => ({ text, tone: toneOfVerdict[verdict] });

/** Returns the condition that explains the verdict. */
export function decisive({ status, verdict }: ReportedBackend) {
  if (verdict !== 'Degraded') return statusCondition(status, 'Available') ?? statusCondition(status, 'Ready');
  const ready = statusCondition(status, 'Ready');
  return ready?.status === 'False' ? ready : statusCondition(status, 'Degraded');
}

const reasonText =
  (wide: boolean) =>
  (item: ReportedBackend): string => {
    if (!item.current) return staleText(item);
    const condition = decisive(item);
    return wide ? `${condition?.reason ?? '-'}: ${condition?.message ?? ''}` : (condition?.reason ?? '-');
  };

/** Returns why the status is not that of the stored spec. */
export const staleText = ({ status, generation }: ReportedBackend): string =>
  (status.observedGeneration ?? -1) < 0
    ? 'NotSeenYet: the operator has not processed it'
    : `the status is of generation ${status.observedGeneration ?? 0}, the spec of ${generation}`;

/** Returns when the cluster was read, and who leads. */
export function asOfLine({ asOf, leader }: Report, style: Style): string {
  return `as of ${asOf}, ${leaderText(leader, style)}\n`;
}

function leaderText(leader: Leader, style: Style): string {
  if (!isLeaderless(leader)) return leader.message;
  return coloured(`${leader.message}. Statuses may be out of date`, 'bad', style);
}
