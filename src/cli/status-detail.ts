import type { Status } from '../api/external-backend.ts';
import { ageOf } from './age.ts';
import { asOfLine, staleText } from './status-list.ts';
import { toneOfVerdict, type Report, type ReportedBackend, type ReportedEvent } from './report.ts';
import { cutTo, printable, renderTable, type Column } from './table.ts';
import { coloured, markOf, type Style, type Tone } from './terminal.ts';

type Target = NonNullable<Status['targets']>[number];
type Address = Target['addresses'][number];
type ServiceState = NonNullable<Status['services']>[number];

interface Row {
  readonly target: Target;
  /** Undefined: the target has no address. */
  readonly address: Address | undefined;
}

/** Renders one backend: conditions, Services, addresses, maintenance and Events. Empty parts are left out. */
export function renderDetail(report: Report, item: ReportedBackend, wall: number, style: Style): string {
  const { status } = item;
  const parts = [
    headOf(item, style),
    conditionsOf(status, wall, style),
    section('Services', serviceColumns(style), status.services ?? [], style),
    section('Addresses', addressColumns(wall, style), rowsOf(status), style),
    maintenanceOf(status, style),
    section('Events', eventColumns(wall), item.events ?? [], style),
    asOfLine(report, style),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headOf(item: ReportedBackend, style: Style): string {
  const tone = toneOfVerdict[item.verdict];
  const mark = coloured(`${markOf(tone, style)} ${item.verdict}`, tone, style);
  const { handler, primary, summary } = item.status;
  const facts = [
    ...(summary === undefined ? [] : [`${summary} addresses ready`]),
    ...(primary === undefined ? [] : [`primary ${primary}`]),
    ...(handler === undefined ? [] : [`probe ${handler}`]),
    ...(item.current ? [] : [staleText(item)]),
  ];
  return `${item.namespace}/${item.name}   ${mark}\n${facts.length === 0 ? '' : `${printable(facts.join(', '))}\n`}`;
}

/** Conditions whose reason and message another one repeats. */
const repeating: readonly string[] = ['Reconciling', 'Stalled'];

function conditionsOf({ conditions = [] }: Partial<Status>, wall: number, style: Style): string {
  return section(
    'Conditions',
    [
      { title: 'TYPE', cell: ({ type }) => type },
      { title: 'STATUS', cell: ({ type, status }) => ({ text: status, tone: toneOf(type, status) }) },
      { title: 'SINCE', cell: ({ lastTransitionTime }) => ageOf(lastTransitionTime, wall) },
      { title: 'REASON', cell: ({ reason, message }) => `${reason}: ${message}` },
    ],
    conditions.filter(({ type }) => !repeating.includes(type)),
    style,
  );
}

const toneOf = (type: string, status: string): Tone => {
  if (status === 'Unknown') return 'warning';
  if (type === 'Degraded') return status === 'True' ? 'warning' : 'plain';
  return status === 'True' ? 'good' : 'bad';
};

function section<T>(title: string, columns: readonly Column<T>[], rows: readonly T[], style: Style): string {
  return rows.length === 0 ? '' : `${title}\n${renderTable(columns, rows, style)}`;
}

const readiness = (ready: boolean, style: Style) => ({
  text: `${markOf(ready ? 'good' : 'bad', style)} ${ready ? 'yes' : 'no'}`,
  tone: ready ? ('good' as const) : ('bad' as const),
});

const serviceColumns = (style: Style): readonly Column<ServiceState>[] => [
  { title: 'NAME', cell: ({ name }) => name },
  {
    title: 'READY',
    cell: ({ ready, total }) => ({
      text: `${markOf(ready > 0 ? 'good' : 'bad', style)} ${ready}/${total}`,
      tone: ready > 0 ? 'good' : 'bad',
    }),
  },
  {
    title: 'TIER',
    cell: ({ tier, srvRank }) => [tier, srvRank].filter((part) => part !== undefined).join('/') || '-',
  },
  {
    title: 'NOTE',
    cell: ({ fallback, difference }) => [fallback, difference].filter(Boolean).join('; ') || '-',
  },
];

const rowsOf = ({ targets = [] }: Partial<Status>): readonly Row[] =>
  targets.flatMap((target): readonly Row[] =>
    target.addresses.length === 0
      ? [{ target, address: undefined }]
      : target.addresses.map((address) => ({ target, address })),
  );

const addressColumns = (wall: number, style: Style): readonly Column<Row>[] => [
  {
    title: 'HOST',
    cell: ({ target }) => (target.port === undefined ? target.host : `${target.host}:${target.port}`),
  },
  { title: 'ADDRESS', cell: ({ address }) => address?.ip ?? '-' },
  { title: 'READY', cell: ({ address }) => readiness(address?.ready ?? false, style) },
  { title: 'HEALTH', cell: ({ address }) => address?.health ?? '-' },
  { title: 'SINCE', cell: ({ address }) => ageOf(address?.since, wall) },
  { title: 'ROLE', cell: ({ address }) => address?.role ?? '-', optional: 1 },
  { title: 'WHY', cell: whyText },
];

/** Returns why an address has its health, and which Services do not have it. */
function whyText({ target, address }: Row): string {
  const excluded = (address?.excluded ?? []).map(({ service, reason }) => `not in ${service}: ${reason}`);
  const reason = [address?.reason, address?.message].filter(Boolean).join(': ');
  const name =
    target.resolution === undefined || target.resolution.state === 'Answered'
      ? undefined
      : `name ${target.resolution.state}`;
  return [reason, ...excluded, target.message, name].filter(Boolean).join('; ') || '-';
}

const eventColumns = (wall: number): readonly Column<ReportedEvent>[] => [
  { title: 'LAST SEEN', cell: ({ lastSeen }) => ageOf(lastSeen, wall) },
  {
    title: 'TYPE',
    cell: ({ type }) => ({ text: type, tone: type === 'Warning' ? 'warning' : 'plain' }),
    optional: 1,
  },
  { title: 'REASON', cell: ({ reason, count }) => (count > 1 ? `${reason} (x${count})` : reason) },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

function maintenanceOf({ maintenance }: Partial<Status>, style: Style): string {
  const lines = [
    ...(maintenance?.active ?? []).map(
      ({ name, action, targets, until }) =>
        `${action} ${targets?.join(', ') ?? 'of all targets'} until ${until ?? 'further notice'} (${name})`,
    ),
    ...(maintenance?.held ?? []).map(
      ({ service, ips }) => `${service} keeps ${ips.join(', ')}: no other address is ready`,
    ),
    ...(maintenance?.next === undefined
      ? []
      : [`next: ${maintenance.next.action} at ${maintenance.next.start} (${maintenance.next.name})`]),
  ];
  const width = style.width ?? Infinity;
  return lines.length === 0
    ? ''
    : `Maintenance\n${lines.map((line) => `${cutTo(printable(line), width, style)}\n`).join('')}`;
}
