import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const FILES = {
  'a.test.js': `
    test('holds', () => undefined);
    test('breaks', () => expect({ size: 1 }, 'on purpose').toEqual({ size: 2 }));
    describe('a group', () => {
      beforeAll(() => { throw new Error('no server'); });
      test('is not reached', () => undefined);
    });`,
  'b.test.js': `throw new Error('no such module');`,
  'c.test.js': `
    afterAll(() => { throw new Error('will not stop'); });
    test('forgets a promise', async () => {
      Promise.reject(new Error('nobody met it'));
      await new Promise(setImmediate);
    });`,
};

test('what failed is told with its reason, whatever it was, right before the count', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asset-cli-report-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  const report = join(folder, 'report.json');
  const vitest = ['--root', folder, '--globals', `--reporter=${resolve('scripts/test-report.mjs')}`];
  const run = node(['node_modules/vitest/vitest.mjs', 'run', ...vitest], { ASSET_CLI_TEST_REPORT: report });
  expect(run.status, run.stderr).toBe(1);
  const told = node(['scripts/count-tests.mjs', report, join(folder, 'none.json')]).stdout;
  const [count, ...lines] = told.trimEnd().split('\n').reverse();
  expect(count).toBe('2 passed, 6 failed');
  const failures = lines.reverse().join('\n').split('FAILED: ').slice(1);
  for (const [name, reason] of [
    ['a.test.js > breaks\n', '    on purpose: expected { size: 1 } to deeply equal { size: 2 }'],
    ['a.test.js > a group\n', '    no server'],
    ['b.test.js\n', '    no such module'],
    ['c.test.js\n', '    will not stop'],
    ['outside of any test (Unhandled Rejection)\n', '    nobody met it'],
    [`${join(folder, 'none.json')}\n`, '    the tests did not come to their end'],
  ] as const) {
    expect(failures.find((failure) => failure.startsWith(name))).toContain(reason);
  }
});

function node(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
}
