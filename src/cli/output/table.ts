import Table from 'cli-table3';
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

/** Renders tables without borders, chunk by chunk, so that a long one needs no memory. The header comes once. */
export function createTable<T>(
  columns: readonly Column<T>[],
  terminalColumns: number | undefined,
  paint: Paint,
): (items: readonly T[]) => string {
  const shown = terminalColumns === undefined ? columns : fit(columns, terminalColumns);
  let headerDue = true;
  return (items) => {
    if (items.length === 0) return '';
    const rows = items.map((item) => shown.map((column) => cell(column, column.value(item), terminalColumns)));
    if (headerDue) rows.unshift(shown.map((column) => cell(column, column.header, terminalColumns)));
    const lines = render(shown, rows, terminalColumns);
    if (headerDue) lines[0] = paint('bold', lines[0] ?? '');
    headerDue = false;
    return `${lines.join('\n')}\n`;
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

function cell<T>(column: Column<T>, text: string, terminalColumns: number | undefined): string {
  const safe = escapeForTerminal(text);
  // In a pipe nothing is cut; padding keeps the columns of different chunks in line.
  if (terminalColumns !== undefined || column.flexible === true) return safe;
  return column.align === 'right' ? safe.padStart(column.width) : safe.padEnd(column.width);
}

function render<T>(columns: readonly Column<T>[], rows: string[][], terminalColumns: number | undefined): string[] {
  const gaps = columns.map((_, index) => (index === columns.length - 1 ? 0 : GAP));
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.flatMap((column, index) =>
      gaps[index] === 0 ? [column.align ?? 'left'] : [column.align ?? 'left', 'left'],
    ),
    ...(terminalColumns === undefined
      ? {}
      : { colWidths: columns.flatMap((column, index) => (gaps[index] === 0 ? [column.width] : [column.width, GAP])) }),
  });
  for (const row of rows) {
    table.push(row.flatMap((text, index) => (gaps[index] === 0 ? [text] : [text, ' '.repeat(GAP)])));
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

/** Facts about one thing: a name and a value a line, the values in one column. */
export function renderFacts(facts: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(...facts.map(([name]) => name.length)) + GAP;
  return facts.map(([name, value]) => `${paint('bold', name.padEnd(width))}${escapeForTerminal(value)}\n`).join('');
}
