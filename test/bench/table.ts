import { formatSize } from '../../src/core/size.ts';
import { type Figure, isMet } from './benchmark.ts';

const HEADINGS = ['command', 'median', 'yardstick', 'ratio', 'target', 'cpu', 'its cpu', 'peak', 'limit', ''];

/** A plain table: what was measured beside what has to be reached. */
export function formatFigures(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((row) => row.join('  ').trimEnd())
    .join('\n');
}

function cells(figure: Figure): string[] {
  const { name, value, yardstickValue, unit, ratio, maxRatio, peakMemory, maxPeakMemory } = figure;
  const { cpuSeconds, yardstickCpuSeconds } = figure;
  return [
    name,
    formatValue(value, unit),
    formatValue(yardstickValue, unit),
    `${ratio.toFixed(2)} x`,
    `${Number(maxRatio.toFixed(2))} x`,
    cpuSeconds === undefined ? '' : formatSeconds(cpuSeconds),
    yardstickCpuSeconds === undefined ? '' : formatSeconds(yardstickCpuSeconds),
    peakMemory === undefined ? '' : formatSize(peakMemory),
    maxPeakMemory === undefined ? '' : formatSize(maxPeakMemory),
    isMet(figure) ? 'met' : 'MISSED',
  ];
}

function formatValue(value: number, unit: Figure['unit']): string {
  if (unit === undefined) return formatSeconds(value);
  return unit === 'percent' ? `${value.toFixed(1)} %` : String(value);
}

function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}
