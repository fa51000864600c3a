import { type ChildProcess, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DatabaseKind, describeEachDatabase } from '../support/databases.ts';
import {
  cleanEnvironment,
  finished,
  PROGRAM,
  type ProgramResult,
  runProgram,
  startProgram,
} from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

/** A home on an empty catalog of its own. */
interface Desk {
  home: string;
  /** Puts files into `in/`. */
  write(files: Record<string, string>): void;
  run(args: readonly string[]): Promise<ProgramResult>;
  start(args: readonly string[]): ChildProcess;
  /** A script in which `asset-cli` is the program. */
  shell(script: string): { status: number | null; stdout: string; stderr: string };
}

/** With these files uploaded. */
async function deskOn(database: DatabaseKind, files?: Record<string, string>): Promise<Desk> {
  const home = await temporaryDirectory();
  const { env } = await database.create(home);
  const desk: Desk = {
    home,
    write(texts) {
      mkdirSync(join(home, 'in'), { recursive: true });
      for (const [name, content] of Object.entries(texts)) writeFileSync(join(home, 'in', name), content);
    },
    run: (args) => runProgram(home, args, { env }),
    start: (args) => startProgram(home, args, { env }),
    shell(script) {
      const program = `${JSON.stringify(process.execPath)} ${JSON.stringify(PROGRAM)}`;
      const whole = `asset-cli() { ${program} "$@"; }; ${script}`;
      const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', whole], {
        cwd: home,
        env: cleanEnvironment(home, env),
        encoding: 'utf8',
      });
      return { status, stdout, stderr };
    },
  };
  if (files === undefined) return desk;
  desk.write(files);
  expect(await desk.run(['upload', 'in', '-q'])).toMatchObject({ code: 0, stderr: '' });
  return desk;
}

await describeEachDatabase('scripts', (database) => {
  describe('pipes', () => {
    test('ids go from list to download and delete', async () => {
      const desk = await deskOn(database, { 'a.txt': 'one\n', 'b.txt': 'two\n' });
      const { status, stdout } = desk.shell(`set -o pipefail
        asset-cli list --all --ids | asset-cli download - -o out --json || exit
        asset-cli list --all --ids | asset-cli delete - --yes --json || exit
        asset-cli list --ids`);
      expect(status).toBe(0);
      expect(readFileSync(join(desk.home, 'out/a.txt'), 'utf8')).toBe('one\n');
      expect(readFileSync(join(desk.home, 'out/b.txt'), 'utf8')).toBe('two\n');
      expect(stdout).toContain('"deleted":2');
    });

    test('standard input to standard output, byte for byte', async () => {
      const desk = await deskOn(database);
      const { status, stdout, stderr } = desk.shell(`set -o pipefail
        id=$(printf 'a,b\\n1,2\\n' | asset-cli upload - --name t.csv --format jsonl | head -1 | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
        asset-cli download "$id" -o - | cat`);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(stdout).toBe('a,b\n1,2\n');
    });

    test('a reader that goes away ends list and download quietly with 0', async () => {
      const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index} of a text that fills every pipe`);
      const desk = await deskOn(database, { 'long.txt': lines.join('\n') });
      const listing = desk.shell('asset-cli list --json --all | head -c 1 >/dev/null; echo "$PIPESTATUS"');
      expect(listing).toEqual({ status: 0, stdout: '0\n', stderr: '' });
      const content = desk.shell('asset-cli download --all -o - | head -c 1 >/dev/null; echo "$PIPESTATUS"');
      expect(content).toEqual({ status: 0, stdout: '0\n', stderr: '' });
    });

    test('a reader that goes away never stops an upload', async () => {
      const desk = await deskOn(database);
      desk.write(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${index}.txt`, `file ${index}\n`])));
      const uploading = desk.shell('asset-cli upload in --format jsonl -q | head -1 >/dev/null; echo "$PIPESTATUS"');
      expect(uploading).toEqual({ status: 0, stdout: '0\n', stderr: '' });
      const { stdout } = await desk.run(['list', '--all', '--ids']);
      expect(stdout.trimEnd().split('\n')).toHaveLength(300);
    });

    test('a full disk behind stdout is said, not a bug', async () => {
      const desk = await deskOn(database, { 'a.txt': 'one\n' });
      const { status, stderr } = desk.shell('asset-cli list --json > /dev/full');
      expect(stderr).toContain('disk is full');
      expect(status).toBe(8);
    });
  });

  describe('errors for programs', () => {
    test('are one JSON value on stderr, and stdout carries results only', async () => {
      const desk = await deskOn(database);
      const { code, stdout, stderr } = await desk.run(['show', 'ffffffff', '--json']);
      expect(code).toBe(4);
      expect(stdout).toBe('');
      expect(JSON.parse(stderr)).toEqual({
        error: {
          code: 'ASSET_NOT_FOUND',
          message: expect.stringContaining('ffffffff'),
          hint: expect.any(String),
          details: { id: 'ffffffff' },
        },
      });
    });

    test('a batch names each failure with its own code and ends with 9', async () => {
      const desk = await deskOn(database);
      desk.write({ 'good.txt': 'text\n', 'empty.txt': '', 'program.pdf': '\u007fELF\u0002\u0001\u0001' });
      const { code, stdout, stderr } = await desk.run(['upload', 'in', 'missing', '--json']);
      const { assets, failed, summary } = JSON.parse(stdout);
      expect(assets).toHaveLength(1);
      expect(assets[0]).toMatchObject({ source: 'in/good.txt', deduplicated: false, tags: { path: 'good.txt' } });
      expect(failed.map(({ source, code: each }: { source: string; code: string }) => [source, each])).toEqual([
        ['in/empty.txt', 'FILE_EMPTY'],
        ['in/program.pdf', 'TYPE_MISMATCH'],
        ['missing', 'PATH_NOT_FOUND'],
      ]);
      expect(summary).toEqual({ uploaded: 1, deduplicated: 0, existing: 0, failed: 3, bytes: 5, dryRun: false });
      expect(JSON.parse(stderr).error.code).toBe('SOME_FAILED');
      expect(code).toBe(9);
    });
  });

  describe('confirmation where nobody can be asked', () => {
    test('delete, db restore and doctor --adopt need --yes', async () => {
      const desk = await deskOn(database, { 'a.txt': 'one\n' });
      expect((await desk.run(['db', 'backup', 'b.jsonl'])).code).toBe(0);
      for (const args of [
        ['delete', '--all'],
        ['db', 'restore', 'b.jsonl', '--database', 'sqlite:new.db'],
        ['doctor', '--adopt', 'local'],
      ]) {
        const { code, stderr } = await desk.run([...args, '--json']);
        expect(code).toBe(2);
        expect(JSON.parse(stderr).error.code).toBe('CONFIRMATION_REQUIRED');
      }
      expect((await desk.run(['delete', '--all'])).stderr).toContain('Delete 1 asset (4 B)');
      expect((await desk.run(['list', '--ids'])).stdout).not.toBe('');
    });

    test('a dry run asks nothing and changes nothing', async () => {
      const desk = await deskOn(database, { 'a.txt': 'one\n' });
      const { code, stdout } = await desk.run(['delete', '--all', '--dry-run', '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).summary).toEqual({ deleted: 1, trashed: 0, bytes: 4, failed: 0, dryRun: true });
      expect((await desk.run(['list', '--ids'])).stdout).not.toBe('');
    });

    test('a dry run of a first upload creates nothing', async () => {
      const desk = await deskOn(database);
      desk.write({ 'a.txt': 'one\n' });
      const { code, stdout } = await desk.run(['upload', 'in', '--dry-run', '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).assets).toEqual([
        expect.objectContaining({ source: 'in/a.txt', mimeType: 'text/plain' }),
      ]);
      expect(desk.shell('find . -name "assets.db*" -o -name storage').stdout).toBe('');
    });
  });

  describe('a signal', () => {
    test('ends a large upload orderly: what is reported is stored, and nothing else', async () => {
      const desk = await deskOn(database);
      desk.write(Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`${index}.txt`, `file ${index}\n`])));
      // However slowly the signal comes: standard input, which is the last of them, does not end before.
      const child = desk.start(['upload', 'in', '-', '--format', 'jsonl']);
      child.stdout?.once('data', () => child.kill('SIGINT'));
      const { code, stdout, stderr } = await finished(child);
      expect(code).toBe(130);
      expect(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error.code).toBe('INTERRUPTED');
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const reported = lines.flatMap((line) => line.id ?? []);
      expect(lines.at(-1).summary.uploaded).toBe(reported.length);
      expect(reported.length).toBeGreaterThan(0);
      const listed = await desk.run(['list', '--all', '--ids']);
      const stored = listed.stdout.trimEnd().split('\n');
      expect(stored.sort()).toEqual(reported.sort());
    });

    test.each([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)('%s while standard input is awaited stores what was ready and ends', async (signal, status) => {
      const desk = await deskOn(database, { 'a.txt': 'one\n' });
      const child = desk.start(['upload', 'in/a.txt', '-', '--json']);
      // More than a pipe holds: once all of it has been written, the program has read the most of it, and waits for the rest.
      child.stdin?.write('the beginning of something\n'.repeat(2 ** 19), () => child.kill(signal));
      const { code, stdout } = await finished(child);
      expect(code).toBe(status);
      const { summary, failed } = JSON.parse(stdout);
      expect(summary).toMatchObject({ uploaded: 1, failed: 1 });
      expect(failed).toEqual([expect.objectContaining({ source: '-', code: 'INTERRUPTED' })]);
    });
  });

  test('stdin that stays open does not keep the program', async () => {
    const desk = await deskOn(database);
    const child = desk.start(['list']);
    expect((await finished(child)).code).toBe(0);
  });
});

test('the environment chooses the format, also of what goes wrong before a command runs', async () => {
  const home = await temporaryDirectory();
  const env = { ASSET_CLI_FORMAT: 'jsonl' };
  const { code, stderr } = await runProgram(home, ['lst'], { env });
  expect(code).toBe(2);
  expect(JSON.parse(stderr).error).toMatchObject({ code: 'USAGE', message: "Unknown command 'lst'" });
});

test('errors hold no secret', async () => {
  const home = await temporaryDirectory();
  const url = 'postgres://ada:hunter2@127.0.0.1:1/assets?sslmode=disable';
  for (const args of [['list'], ['list', '-v'], ['doctor', '--json'], ['db', 'status', '--json', '-v']]) {
    const { code, stdout, stderr } = await runProgram(home, [...args, '--database', url]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).not.toContain('hunter2');
  }
});

test('a read-only catalog can be listed, and says so when it should change', async () => {
  const home = await temporaryDirectory();
  mkdirSync(join(home, 'in'));
  writeFileSync(join(home, 'in', 'a.txt'), 'one\n');
  expect(await runProgram(home, ['upload', 'in', '-q'])).toMatchObject({ code: 0 });
  const { stdout } = await runProgram(home, ['db', 'status', '--json']);
  const location: string = JSON.parse(stdout).location;
  expect(location).toMatch(/assets\.db$/);
  if (process.getuid?.() === 0) return;
  chmodSync(location, 0o400);
  expect((await runProgram(home, ['list', '--ids'])).code).toBe(0);
  expect((await runProgram(home, ['upload', 'in'])).code).toBe(5);
});

test('starts without a catalog, a configuration or a home that holds anything', async () => {
  const home = await temporaryDirectory();
  const { code, stdout, stderr } = await runProgram(home, ['list', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ assets: [], nextCursor: null });
});
