import type measureText from 'fast-string-truncated-width';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { Paint } from './output.ts';

export interface Column<T> {
  header: string;
  value: (item: T) => string;
  /** Room that it usually needs. On a terminal it gets exactly this. */
  width: number;
  align?: 'left' | 'right';
  /** Shown on terminals of at least so many columns; absent: always. In pipes every column is shown. */
  from?: number;
  /** Takes what is left of the terminal, at least `width`; one column a table, the last. */
  flexible?: boolean;
  /** Shorter, for a terminal that is too narrow for this many columns. */
  short?: { below: number; width: number; value: (item: T) => string };
}

const GAP = 2;

type Measure = typeof measureText;

/** Text of one column a character: what tables mostly hold. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Loaded for other texts alone: its patterns take as long to make as a list takes to be read. */
let measure: Measure | undefined;

async function loadMeasure(rows: readonly (readonly string[])[]): Promise<void> {
  if (measure !== undefined || rows.every((cells) => cells.every((cell) => PLAIN.test(cell)))) return;
  measure = (await import('fast-string-truncated-width')).default;
}

/** Renders tables without borders, chunk by chunk, so that a long one needs no memory. The header comes once. */
export function createTable<T>(
  columns: readonly Column<T>[],
  terminalColumns: number | undefined,
  paint: Paint,
): (items: readonly T[]) => Promise<string> {
  const shown = terminalColumns === undefined ? columns : fit(columns, terminalColumns);
  const widths = shown.map((column) => column.width);
  const line = (cells: readonly string[]) => renderLine(shown, widths, terminalColumns !== undefined, cells);
  let headerDue = true;
  return async (items) => {
    if (items.length === 0) return '';
    const cells = items.map((item) => shown.map((column) => escapeForTerminal(column.value(item))));
    await loadMeasure(cells);
    const rows = cells.map((each) => `${line(each)}\n`).join('');
    if (!headerDue) return rows;
    headerDue = false;
    return `${paint('bold', line(shown.map((column) => column.header)))}\n${rows}`;
  };
}

function fit<T>(columns: readonly Column<T>[], terminalColumns: number): Column<T>[] {
  const shown = columns
    .filter((column) => terminalColumns >= (column.from ?? 0))
    .map((column) =>
      column.short !== undefined && terminalColumns < column.short.below
        ? { ...column, width: column.short.width, value: column.short.value }
        : column,
    );
  const fixed = shown.reduce((sum, column) => sum + (column.flexible === true ? 0 : column.width + GAP), 0);
  return shown.map((column) =>
    column.flexible === true ? { ...column, width: Math.max(column.width, terminalColumns - fixed) } : column,
  );
}

/** One line of cells. In a pipe nothing is cut: a cell that needs more room moves its column from there on. */
function renderLine<T>(
  columns: readonly Column<T>[],
  widths: number[],
  cut: boolean,
  cells: readonly string[],
): string {
  const padded = columns.map((column, index) => {
    const text = cells[index] ?? '';
    const limit = widths[index] ?? column.width;
    const fitted = cut ? truncate(text, limit) : { text, width: widthOf(text) };
    const isLast = index === columns.length - 1;
    if (!cut && !isLast) widths[index] = Math.max(limit, fitted.width);
    const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - fitted.width));
    if (column.align === 'right') return padding + fitted.text;
    return isLast ? fitted.text : fitted.text + padding;
  });
  return padded.join(' '.repeat(GAP));
}

function widthOf(text: string): number {
  return measure === undefined ? text.length : measure(text).width;
}

function truncate(text: string, limit: number): { text: string; width: number } {
  if (measure === undefined) {
    const fits = text.length <= limit;
    return fits ? { text, width: text.length } : { text: `${text.slice(0, limit - 1)}…`, width: limit };
  }
  const { index, ellipsed, width } = measure(text, { limit, ellipsis: '…' });
  return ellipsed ? { text: `${text.slice(0, index)}…`, width: width + 1 } : { text, width };
}

/** Facts about one thing: a name and a value a line, the values in one column. */
export function renderFacts(facts: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(...facts.map(([name]) => name.length)) + GAP;
  return facts.map(([name, value]) => `${paint('bold', name.padEnd(width))}${escapeForTerminal(value)}\n`).join('');
}
