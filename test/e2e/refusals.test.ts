import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { describeEachDatabase, type TestCatalog } from '../support/databases.ts';
import { type ProgramOptions, type ProgramResult, runProgram } from '../support/program.ts';
import { Sqlite } from '../support/sqlite-driver.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const HOSTILE = resolve(import.meta.dirname, '../../fixtures/hostile');
const isRoot = process.getuid?.() === 0;

let home: string;
let catalog: TestCatalog | undefined;

beforeEach(async () => {
  home = join(await temporaryDirectory(), 'home');
  mkdirSync(home);
  catalog = undefined;
});

function run(args: string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return runProgram(home, args, { ...options, env: { ...catalog?.env, ...options.env } });
}

function write(name: string, content: string): string {
  const path = join(home, name);
  writeFileSync(path, content);
  return path;
}

function configure(yaml: string): Record<string, string> {
  return { ASSET_CLI_CONFIG: write('config.yaml', yaml) };
}

const databaseFile = () => join(home, 'data', 'asset-cli', 'assets.db');

function storedFiles(): string[] {
  const storage = join(home, 'data', 'asset-cli', 'storage');
  try {
    return readdirSync(storage, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('20'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Text: one line of what went wrong, one of what to do; after items, their summary. */
function expectTwoLines(result: ProgramResult): void {
  const lines = result.stderr.trimEnd().split('\n');
  expect(lines[0], result.stderr).toMatch(/^(error|failed): /);
  expect(lines[1], result.stderr).toMatch(/^hint: /);
  expect(lines[2] ?? '0 stored (0 B), 1 failed').toBe('0 stored (0 B), 1 failed');
  expect(lines.length, result.stderr).toBeLessThanOrEqual(3);
}

function errorOf(result: ProgramResult): { code: string; message: string; hint: string } {
  return JSON.parse(result.stderr.trim().split('\n').at(-1) ?? '').error;
}

interface AuditOutput {
  events: { action: string; outcome: string; details: { code?: string } }[];
}

await describeEachDatabase('a file that is refused', (database) => {
  beforeEach(async () => {
    catalog = await database.create(home);
  });

  test.each([
    ['an empty file', 'empty.txt', 'FILE_EMPTY', 6],
    ['an EXE named .pdf', 'program.pdf', 'TYPE_MISMATCH', 6],
    ['a PDF named .txt', 'document.txt', 'TYPE_MISMATCH', 6],
    ['a ZIP named .docx', 'archive.docx', 'TYPE_MISMATCH', 6],
    ['a type that is not allowed', 'page.html', 'TYPE_NOT_ALLOWED', 6],
  ])('%s: its exit status, two lines, the same as JSON, nothing stored, audited', async (_name, file, code, status) => {
    const text = await run(['upload', join(HOSTILE, file)]);
    expect(text.code).toBe(status);
    expect(text.stdout).toBe('');
    expectTwoLines(text);
    const json = await run(['upload', join(HOSTILE, file), '--json']);
    expect(json.code).toBe(status);
    const result = JSON.parse(json.stdout);
    expect(result).toMatchObject({ assets: [], failed: [{ code }], summary: { uploaded: 0, failed: 1 } });
    expect(storedFiles()).toEqual([]);
    const trail: AuditOutput = JSON.parse((await run(['audit', '--json'])).stdout);
    expect(trail.events.map((event) => [event.outcome, event.details.code])).toEqual([
      ['refused', code],
      ['refused', code],
    ]);
  });

  test('one byte too many, from a file and from standard input', async () => {
    const env = configure('limits: { maxFileSize: 10 }\n');
    const fits = await run(['upload', write('fits.txt', '0123456789')], { env });
    expect(fits, fits.stderr).toMatchObject({ code: 0 });
    const file = await run(['upload', write('large.txt', '01234567890')], { env });
    expect(file.code).toBe(6);
    expectTwoLines(file);
    const stream = await run(['upload', '-'], { env, input: '01234567890' });
    expect(stream.code).toBe(6);
    expectTwoLines(stream);
    expect((await run(['list', '--ids'], { env })).stdout.trim().split('\n')).toHaveLength(1);
  });

  test('an unreadable file', async () => {
    const path = write('secret.txt', 'secret');
    chmodSync(path, 0o000);
    const result = await runUnprivileged(['upload', path]);
    expect(result.code).toBe(6);
    expectTwoLines(result);
  });

  test('a path that does not exist', async () => {
    const result = await run(['upload', join(home, 'missing.txt')]);
    expect(result.code).toBe(2);
    expectTwoLines(result);
  });

  test('never stops the others, and several kinds of refusal are exit 9', async () => {
    const good = write('good.txt', 'good');
    const result = await run(['upload', join(HOSTILE, 'empty.txt'), good, join(HOSTILE, 'program.pdf'), '--json']);
    expect(result.code).toBe(9);
    const output = JSON.parse(result.stdout);
    expect(output.assets).toMatchObject([{ source: good }]);
    expect(output.failed.map((each: { code: string }) => each.code)).toEqual(['FILE_EMPTY', 'TYPE_MISMATCH']);
  });

  test('a file that grows while it is read', async () => {
    const env = configure('limits: { maxFileSize: 1GiB }\n');
    const path = write('growing.txt', 'x'.repeat(64 * 2 ** 20));
    const growing = setInterval(() => appendFileSync(path, 'y'.repeat(2 ** 16)), 1);
    const result = await run(['upload', path], { env }).finally(() => clearInterval(growing));
    expect(result.code, result.stderr).toBe(11);
    expect(storedFiles().filter((file) => file.endsWith('.txt'))).toEqual([]);
  });
});

describe('a database that cannot be used', () => {
  test('is corrupt', async () => {
    mkdirSync(join(home, 'data', 'asset-cli'), { recursive: true });
    writeFileSync(databaseFile(), `SQLite format 3\0${'garbage '.repeat(2000)}`);
    const result = await run(['list']);
    expect(result.code).toBe(10);
    expectTwoLines(result);
  });

  test('is no database', async () => {
    mkdirSync(join(home, 'data', 'asset-cli'), { recursive: true });
    writeFileSync(databaseFile(), 'just some text that somebody wrote, longer than a header '.repeat(20));
    const result = await run(['list', '--json']);
    expect(result.code).toBe(10);
    expect(errorOf(result).hint).not.toBe('');
  });

  test('is locked by another program', async () => {
    const env = configure('timeouts: { deadline: 1s }\n');
    await run(['upload', write('one.txt', 'one')], { env });
    const other = new Sqlite(databaseFile());
    onTestFinished(() => {
      other.close();
    });
    other.exec('BEGIN EXCLUSIVE');
    const result = await run(['upload', write('two.txt', 'two')], { env });
    expect(result.code).toBe(8);
    expect(result.stderr).not.toMatch(/SQLITE_/);
  });

  test('is from a newer version', async () => {
    await run(['upload', write('one.txt', 'one')]);
    const database = new Sqlite(databaseFile());
    database.exec(
      `INSERT INTO schema_migrations (version, name, checksum, applied_at)
       VALUES (9999, 'from-the-future', 'x', '2030-01-01T00:00:00.000Z')`,
    );
    database.pragma('user_version = 9999');
    database.close();
    const result = await run(['list']);
    expect(result.code).toBe(3);
    expectTwoLines(result);
    expect(result.stderr).toMatch(/9999|newer/);
  });

  test('is somebody else’s', async () => {
    mkdirSync(join(home, 'data', 'asset-cli'), { recursive: true });
    const database = new Sqlite(databaseFile());
    database.exec('CREATE TABLE customers (id INTEGER)');
    database.close();
    const result = await run(['upload', write('one.txt', 'one')]);
    expect(result.code).toBe(3);
    expectTwoLines(result);
  });

  test.runIf(existsSync('/proc'))('lies where the system makes no directories', async () => {
    const file = write('one.txt', 'one');
    const result = await run(['upload', file], { env: { ASSET_CLI_HOME: '/proc/asset-cli' } });
    expect(result.code, result.stderr).toBe(3);
    expectTwoLines(result);
    const target = await run(['download', '--all', '-o', '/proc/asset-cli/out']);
    expect(target.code, target.stderr).toBe(2);
    expectTwoLines(target);
  });

  test('is read-only', async () => {
    await run(['upload', write('one.txt', 'one')]);
    chmodSync(databaseFile(), 0o400);
    chmodSync(join(home, 'data', 'asset-cli'), 0o500);
    const result = await runUnprivileged(['upload', join(home, 'one.txt')]);
    expect(result.code, result.stderr).toBe(5);
    expectTwoLines(result);
  });
});

describe('a place that is none', () => {
  test('no home directory: nothing is stored wherever the program happens to run', async () => {
    const result = await run(['upload', write('one.txt', 'one')], { env: { HOME: '', XDG_DATA_HOME: '' } });
    expect(result.code, result.stderr).toBe(3);
    expectTwoLines(result);
    expect(readdirSync(home)).toEqual(['one.txt']);
  });

  test('a working directory that was removed', async () => {
    const prefix = ['sh', '-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', 'sh'];
    for (const command of [['list'], ['init', '--yes']]) {
      const result = await run(command, { prefix });
      expect(result.code, result.stderr).toBe(2);
      expectTwoLines(result);
    }
  });
});

describe('words that are wrong', () => {
  test.each([
    ['an unknown option', ['list', '--typo', 'X'], 2],
    ['an unknown command', ['uplaod', 'x'], 2],
    ['an option that a later capability owns', ['upload', 'x', '--expires-in', 'never'], 2],
    ['something that is no id', ['show', 'nonsense!'], 2],
    ['an id that does not exist', ['show', '00000000-0000-4000-8000-000000000000'], 4],
    ['no id and no filter', ['delete', '--yes'], 2],
  ])('%s', async (_name, args, status) => {
    const result = await run(args);
    expect(result.code, result.stderr).toBe(status);
    expectTwoLines(result);
    const json = await run([...args, '--json']);
    expect(json.code).toBe(status);
    expect(errorOf(json)).toMatchObject({ message: expect.any(String), hint: expect.any(String) });
  });

  test('no confirmation, and nobody to ask', async () => {
    await run(['upload', write('one.txt', 'one')]);
    const result = await run(['delete', '--all']);
    expect(result.code).toBe(2);
    expectTwoLines(result);
    expect(storedFiles().some((file) => file.endsWith('.txt'))).toBe(true);
  });

  test('an unknown key of the configuration: file, line and the nearest key', async () => {
    const env = configure('limits:\n  maxFilesize: 10\n');
    const result = await run(['list'], { env });
    expect(result.code).toBe(3);
    expectTwoLines(result);
    expect(result.stderr).toMatch(/config\.yaml:2/);
    expect(result.stderr).toMatch(/maxFileSize/);
  });
});

await describeEachDatabase('an id', (database) => {
  test('whose beginning is ambiguous', async () => {
    catalog = await database.create(home);
    await run(['upload', write('one.txt', 'one'), write('two.txt', 'two')]);
    const ids = (await catalog.query('select id from assets order by id')).map((row) => String(row['id']));
    const [first = '', second = ''] = ids;
    const twin = `${first.slice(0, 8)}${second.slice(8)}`;
    await catalog.query(`update assets set id = '${twin}' where id = '${second}'`);
    const result = await run(['show', first.slice(0, 8)]);
    expect(result.code).toBe(2);
    expectTwoLines(result);
    expect((await run(['show', first])).code).toBe(0);
  });
});

test('a full disk: exit 8, nothing stored, and it goes on when there is room', async ({ skip }) => {
  const storage = join(home, 'small');
  mkdirSync(storage);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', storage]);
  if (mounted.status !== 0) {
    process.stderr.write('SKIPPED: a tmpfs cannot be mounted here; run the tests as root\n');
    skip();
  }
  onTestFinished(() => {
    spawnSync('umount', [storage]);
  });
  const env = configure(`backends: { local: { provider: LOCAL, path: ${storage} } }\n`);
  const large = await run(['upload', '--no-compress', write('large.txt', 'x'.repeat(400_000))], { env });
  expect(large.code, large.stderr).toBe(8);
  expectTwoLines(large);
  const small = await run(['upload', write('small.txt', 'small')], { env });
  expect(small, small.stderr).toMatchObject({ code: 0 });
});

/** Root may read and write everything: such commands run without the capabilities that let it. */
function runUnprivileged(args: string[]): Promise<ProgramResult> {
  if (!isRoot) return run(args);
  return run(args, { prefix: ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] });
}
