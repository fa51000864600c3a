import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../support/program.ts';
import { findBinary } from '../support/services/find-binary.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const FILE = resolve(import.meta.dirname, '../../fixtures/files/report.pdf');
const LOG_WRITE = /pwrite64\(\d+<.*-wal>/;
const LOG_SYNC = /(fsync|fdatasync)\(\d+<.*-wal>/;

test.skipIf(findBinary('strace') === undefined && process.env['CI'] !== 'true')(
  'a row is on the disk before its bytes are to be seen, the bytes before their commit, and that before it is told',
  async () => {
    const home = await temporaryDirectory();
    const log = join(home, 'calls');
    const prefix = ['strace', '-f', '-y', '-qqq', '-s', '300', '-o', log];
    prefix.push('-e', 'trace=write,pwrite64,fsync,fdatasync,link,linkat');
    const { code, stderr } = await runProgram(home, ['upload', FILE], { prefix });
    expect(code, stderr).toBe(0);
    const calls = readFileSync(log, 'utf8').split('\n');
    const published = calls.findIndex((call) => /link(at)?\(.*\.asset-cli-tmp-.*\.pdf"/.test(call));
    const told = calls.findIndex((call) => /write\(1<.*report\.pdf/.test(call));
    expect([published, told]).not.toContain(-1);
    const lastBefore = (end: number, pattern: RegExp) =>
      calls.slice(0, end).findLastIndex((call) => pattern.test(call));
    expect(lastBefore(published, LOG_SYNC)).toBeGreaterThan(lastBefore(published, LOG_WRITE));
    const commit = calls.findIndex((call, index) => index > published && LOG_WRITE.test(call));
    expect(lastBefore(published, /fsync\(\d+<.*\.asset-cli-tmp-/)).toBeGreaterThan(-1);
    expect(commit).toBeLessThan(told);
    expect(lastBefore(told, LOG_SYNC)).toBeGreaterThan(lastBefore(told, LOG_WRITE));
  },
);
