import { coloured, type Style, type Tone } from './terminal.ts';

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Cell | string;
  /** The column is left out first if the terminal is too narrow: the highest number before others. Default: never. */
  readonly optional?: number;
}

const gap = 3;

const toCell = (cell: Cell | string): Cell => (typeof cell === 'string' ? { text: cell } : cell);

/** Replaces control characters, because texts of others must not move the cursor. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');

/**
 * Renders a table as kubectl does. If the terminal is too narrow, optional columns are left out, and then the last column is
 * cut. Without a terminal nothing is cut.
 */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], style: Style): string {
  let shown = columns;
  const widths = () => shown.map((column) => widthOf(column, rows));
  while (style.width !== undefined && sum(widths()) > style.width) {
    const least = shown.filter(({ optional }) => optional !== undefined).toSorted(byOptional)[0];
    if (least === undefined) break;
    shown = shown.filter((column) => column !== least);
  }
  const header = shown.map(({ title }): Cell => ({ text: title }));
  const lines = [header, ...rows.map((row) => shown.map(({ cell }) => toCell(cell(row))))];
  return lines.map((cells) => renderLine(cells, widths(), style)).join('');
}

const byOptional = <T>(a: Column<T>, b: Column<T>): number => (b.optional ?? 0) - (a.optional ?? 0);

const widthOf = <T>({ title, cell }: Column<T>, rows: readonly T[]): number =>
  rows.reduce((width, row) => Math.max(width, printable(toCell(cell(row)).text).length), title.length);

const sum = (widths: readonly number[]): number =>
  widths.reduce((total, width) => total + width, 0) + gap * (widths.length - 1);

function renderLine(cells: readonly Cell[], widths: readonly number[], style: Style): string {
  let left = style.width ?? Infinity;
  let line = '';
  for (const [index, { text, tone }] of cells.entries()) {
    const last = index === cells.length - 1;
    const cut = cutTo(printable(text), Math.max(left, 1), style);
    const padding = last ? 0 : (widths[index] ?? 0) - cut.length + gap;
    line += coloured(cut, tone ?? 'plain', style) + ' '.repeat(Math.max(0, padding));
    left -= cut.length + padding;
    if (left <= 0) break;
  }
  return `${line.trimEnd()}\n`;
}

/** Cuts a text to a width, and marks that it was cut. */
export function cutTo(text: string, width: number, { unicode }: Style): string {
  if (text.length <= width) return text;
  const mark = unicode ? '…' : '~';
  return text.slice(0, Math.max(0, width - mark.length)) + mark;
}
