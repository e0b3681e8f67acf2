/** One figure of a benchmark, with its baseline of the same run and its goal. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: { readonly what: string; readonly value: number };
  /** Bounds of the ratio to the baseline, or of the value if there is no baseline. */
  readonly goal?: { readonly most?: number; readonly least?: number };
}

export interface Bench {
  readonly name: string;
  /** Subject of the benchmark, in one line. */
  readonly title: string;
  run(): Promise<readonly Figure[]>;
}

/** Returns a row of docs/benchmarks.md. */
export function row({ what, value, unit, baseline, goal }: Figure): string {
  const ratio = baseline === undefined ? value : value / baseline.value;
  const cells = [
    what,
    `${round(value)} ${unit}`.trim(),
    baseline === undefined ? '' : `${round(baseline.value)} ${unit} (${baseline.what})`,
    baseline === undefined ? '' : `${round(ratio)}x`,
    goalText(goal, baseline === undefined ? unit : 'x'),
    goal === undefined ? '' : holds(goal, ratio) ? 'yes' : '**missed**',
  ];
  return `| ${cells.join(' | ')} |`;
}

export const header =
  '| figure | measured | baseline, same run | ratio | goal | holds |\n|---|---|---|---|---|---|';

const holds = (goal: NonNullable<Figure['goal']>, ratio: number): boolean =>
  ratio <= (goal.most ?? Infinity) && ratio >= (goal.least ?? -Infinity);

function goalText(goal: Figure['goal'], unit: string): string {
  if (goal === undefined) return '';
  const most = goal.most === undefined ? [] : [`at most ${goal.most} ${unit}`];
  const least = goal.least === undefined ? [] : [`at least ${goal.least} ${unit}`];
  return [...most, ...least].join(', ');
}

export const round = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** @param fraction 0.5 is the median */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}
