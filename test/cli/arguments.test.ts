import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { collectGlobals, type GlobalOptions } from '../../src/cli/globals.ts';
import { main } from '../../src/cli/main.ts';
import { type FilterOptions, toFilter } from '../../src/cli/options/filters.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createTestHost } from '../support/host.ts';

interface Parsed {
  command: string;
  globals: GlobalOptions;
  args: unknown[];
  options: Record<string, unknown>;
}

/** What a command would be called with. */
const NAMES = {
  assetTypes: ['MY_TYPE'],
  backends: { defaultName: 'reports', names: ['reports'], open: () => Promise.reject(new Error('never opened')) },
  warn: (message: string) => expect.unreachable(message),
};

async function parse(...argv: string[]): Promise<Parsed> {
  let parsed: Parsed | undefined;
  const program = createProgram({
    version: '0.0.0',
    writeOut: () => undefined,
    columns: undefined,
    bind: (command: Command) => {
      command.action((...values: unknown[]) => {
        const [options, , ...reversed] = [values.at(-2), values.at(-1), ...values.slice(0, -2).reverse()];
        parsed = {
          command: command.name(),
          globals: collectGlobals(command),
          args: reversed.reverse(),
          options: { ...(options as Record<string, unknown>) },
        };
      });
    },
  });
  await program.parseAsync(argv, { from: 'user' });
  if (parsed === undefined) throw new Error('no command ran');
  return parsed;
}

describe('--all-orgs', () => {
  test.each([
    [['--all-orgs', 'stats']],
    [['stats', '--all-orgs']],
    [['--all-orgs', '--json', 'audit']],
    [['--all-orgs', 'token', 'list']],
  ])('stands before and after the subcommand: %j', async (argv) => {
    expect((await parse(...argv)).options).toMatchObject({ allOrgs: true });
  });

  test.each([[['--all-orgs', 'show', '1f0c2a9b']], [['show', '1f0c2a9b', '--all-orgs']]])(
    'is refused by a command that has no such option: %j',
    async (argv) => {
      const host = createTestHost();
      expect(await main(argv, host)).toBe(2);
      expect(host.errors()).toContain("Unknown option '--all-orgs'");
      expect(host.errors()).toContain('asset-cli show --help');
    },
  );
});

describe('global options', () => {
  test.each([
    [['--json', 'list'], { json: true }],
    [['list', '--json'], { json: true }],
    [['-b', 'one', 'list', '-b', 'two'], { backend: 'two' }],
    [['--as', '-', 'list', '-q', '-v'], { as: '-', quiet: true, verbose: true }],
    [['list', '--no-progress', '--no-color', '--no-input'], { progress: false, color: false, input: false }],
    [
      ['--no-input', 'db', '--format', 'json', 'status', '--role', 'admin'],
      { input: false, format: 'json', role: 'admin' },
    ],
    [
      ['-c', 'file.yaml', 'db', 'status', '--database', 'sqlite:x', '--org', 'acme'],
      { config: 'file.yaml', database: 'sqlite:x', org: 'acme' },
    ],
    [['list'], {}],
  ])('%j', async (argv, globals) => {
    expect((await parse(...argv)).globals).toEqual(globals);
  });

  test('an option takes its value, whatever that looks like', async () => {
    const { globals, options, args } = await parse('upload', '--name', '--json', 'a', 'b');
    expect(globals).toEqual({});
    expect(options).toMatchObject({ name: '--json' });
    expect(args).toEqual([['a', 'b']]);
  });

  test('what follows -- is an argument', async () => {
    const { globals, args } = await parse('upload', '--', '--json', '-q');
    expect(globals).toEqual({});
    expect(args).toEqual([['--json', '-q']]);
  });
});

describe('commands', () => {
  test.each([
    [['ls', '--ids'], 'list', { ids: true }],
    [['rm', 'x', '--dry-run'], 'delete', { dryRun: true }],
    [
      ['upload', 'x', '--tag', 'a=1', '--tag', 'b=x=y'],
      'upload',
      { tag: { a: '1', b: 'x=y' }, type: 'DOCUMENT_UPLOAD' },
    ],
    [['upload', 'x', '--include', '*.pdf', '--include', '*.csv'], 'upload', { include: ['*.pdf', '*.csv'] }],
    [['download', '-', '-o', '-'], 'download', { output: '-', concurrency: 16 }],
    [['audit', '--since', '2026-01-02'], 'audit', { since: '2026-01-02T00:00:00.000Z' }],
    [['audit', '--until', '2026-01-02T03:04+01:00'], 'audit', { until: '2026-01-02T02:04:00.000Z' }],
    [['audit', '--until', '2026-01-02T03:04:05'], 'audit', { until: '2026-01-02T03:04:05.000Z' }],
    [['list', '--sort', '-size'], 'list', { sort: '-size' }],
    [['token', 'create'], 'create', { scope: ['read', 'write'], forRole: 'member', expiresIn: 90 * 86_400_000 }],
    [['token', 'create', '--scope', 'read', '--expires-in', '5m'], 'create', { scope: ['read'], expiresIn: 300_000 }],
  ])('%j', async (argv, command, options) => {
    const parsed = await parse(...argv);
    expect(parsed.command).toBe(command);
    expect(parsed.options).toMatchObject(options);
  });
});

describe('filters', () => {
  test.each<[string[], object]>([
    [[], {}],
    [
      ['--type', 'MY_TYPE', '--project', 'p1', '--user', 'ada'],
      { assetType: 'MY_TYPE', projectId: 'p1', userId: 'ada' },
    ],
    [['-b', 'reports', '--status', 'damaged'], { backend: 'reports', status: 'damaged' }],
    [['--min-size', '1KiB', '--max-size', '2MB'], { minSize: 1024, maxSize: 2_000_000 }],
    [['--public'], { isPublic: true }],
    [['--no-public'], { isPublic: false }],
    [
      ['--name', '*.pdf', '--tag', 'a=b', '--scan-status', 'CLEAN'],
      { nameGlob: '*.pdf', tags: { a: 'b' }, scanStatus: 'CLEAN' },
    ],
    [['--scan-status', 'INFECTED'], { scanStatus: 'INFECTED', status: 'any' }],
    [['--scan-status', 'INFECTED', '--status', 'trashed'], { scanStatus: 'INFECTED', status: 'trashed' }],
    [['--expired'], { expired: 'only' }],
    [
      ['--created-after', '2026-01-01', '--expires-before', '2026-02-01'],
      { createdAfter: '2026-01-01T00:00:00.000Z', expiresBefore: '2026-02-01T00:00:00.000Z' },
    ],
  ])('%j', async (argv, filter) => {
    for (const command of ['list', 'download', 'delete']) {
      const { options, globals } = await parse(command, ...argv);
      expect(toFilter(options as FilterOptions, globals, NAMES)).toEqual(filter);
    }
  });
});

test('a filter by a name that nothing has is told, and still a filter', async () => {
  const { options, globals } = await parse('list', '--type', 'MY_TIPE', '-b', 'report');
  const told: string[] = [];
  const names = { ...NAMES, warn: (message: string) => told.push(message) };
  expect(toFilter(options as FilterOptions, globals, names)).toEqual({ assetType: 'MY_TIPE', backend: 'report' });
  expect(told).toEqual([expect.stringContaining('mean "MY_TYPE"'), expect.stringContaining('mean "reports"')]);
});

describe('what is wrong on the command line ends with 2 and says what to do', () => {
  test.each([
    [['lst'], /Unknown command 'lst'/, /Did you mean list/],
    [['list', '--jsn'], /Unknown option '--jsn'/, /--json/],
    [['--quite', 'list'], /Unknown option '--quite'/, /--quiet/],
    [['upload', 'x', '--tag', 'a=1', '--tag', 'a=2'], /one value/, /give a once/],
    [['upload', 'x', '--compress'], /Unknown option '--compress'/, /upload --help/],
    [['upload', 'x', '--expires-in', '3 days'], /--expires-in.*"3 days" is not a duration/s, /30d/],
    [['upload', 'x', '--expires-in', '999999999w'], /not a life/, /1000 years/],
    [['upload', 'x', '--expires-at', '2020-01-01'], /in the past/, /to come/],
    [['upload', 'x', '--expires-at', '9999-12-31T23:59:59-05:00'], /years 1 to 9999 of UTC/, /ISO 8601/],
    [['list', '--created-after', '0000-12-31'], /years 1 to 9999 of UTC/, /ISO 8601/],
    [['upload', 'x', '--expires-in', '3d', '--expires-at', '2999-01-01'], /expires once/, /Give one/],
    [['extend', '1f0c2a9b'], /When shall it expire/, /--never/],
    [['extend', '1f0c2a9b', '--never', '--expires-in', '3d'], /expires once/, /Give one/],
    [['purge-expired', '--before', '2999-01-01'], /in the future/, /not due yet/],
    [['purge-expired', '--max-delete', '101%'], /neither a number nor a share/, /5%/],
    [['migrate', '--from', 'a', '--to', 'b', '--source-grace', '470000w'], /too long/, /100 years.*--keep-source/],
    [['purge-expired', '--batch-size', '5001'], /large batch/, /at most 5000/],
    [['verify', '--resume'], /goes with --deep/, /begin again/],
    [['token', 'create', '--scope', 'read,delete'], /not a scope/, /token --help/],
    [['token', 'create', '--for-role', 'root'], /Allowed choices are member/, /token --help/],
    [['token', 'revoke'], /Missing required argument/, /token --help/],
    [['upload'], /Missing required argument/, /upload --help/],
    [['list', 'extra'], /Too many arguments/, /list --help/],
    [['scan', '--on-infected', 'delete', '--dry-run'], /Unknown option '--dry-run'/, /asset-cli scan --help/],
    [['show', 'list', '--dry'], /Unknown option '--dry'/, /asset-cli show --help/],
    [['--as', 'list', '--org=list', 'show', '--dry'], /Unknown option '--dry'/, /asset-cli show --help/],
    [['db'], /subcommand of asset-cli db is missing/, /db --help/],
    [['db', 'statsu'], /Unknown command 'statsu'/, /status/],
    [['list', '--limit', '0'], /whole number of at least 1/, /list --help/],
    [['list', '--min-size', 'big'], /not a size/, /list --help/],
    [['list', '--created-after', 'yesterday'], /not a time/, /list --help/],
    [['list', '--created-after', '2026-02-31'], /not a time/, /list --help/],
    [['list', '--type', 'lower'], /not an asset type/, /list --help/],
    [['list', '--tag', 'novalue'], /key=value/, /list --help/],
    [['list', '--status', 'gone'], /Allowed choices are active/, /list --help/],
    [['upload', 'x', '--project', '../..'], /not a valid project id/, /upload --help/],
    [['upload', 'x', '--format', 'csv'], /not a format of this command/, /text, json, jsonl/],
    [['completion', 'tcsh'], /Allowed choices are bash/, /completion --help/],
    [['help', 'lis'], /Unknown command 'lis'/, /list/],
    [['help', 'constructor'], /Unknown command 'constructor'/, /--help/],
  ])('%j', async (argv, message, hint) => {
    const text = createTestHost();
    expect(await main(argv, text)).toBe(2);
    expect(text.out()).toBe('');
    expect(text.errors()).toMatch(message);
    expect(text.errors()).toMatch(hint);
    expect(text.errors().trimEnd().split('\n')).toHaveLength(2);
    const json = createTestHost({ env: { ASSET_CLI_FORMAT: 'json' } });
    expect(await main(argv, json)).toBe(2);
    const expected = argv.includes('csv') ? undefined : { code: 'USAGE', message: expect.stringMatching(message) };
    if (expected !== undefined) expect(JSON.parse(json.errors()).error).toMatchObject(expected);
  });
});

describe('help', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']], [['--help', '--no-color']]])(
    '%j is the top level',
    async (argv) => {
      const host = createTestHost();
      expect(await main(argv, host)).toBe(0);
      expect(host.out()).toMatch(/^Usage: asset-cli <command>/);
      expect(host.errors()).toBe('');
    },
  );

  test.each([
    [['list', '--help'], /Usage: asset-cli list\|ls/],
    [['help', 'ls'], /Usage: asset-cli list\|ls/],
    [['help', 'db', 'backup'], /Usage: asset-cli db backup/],
    [['db', 'backup', '-h'], /Usage: asset-cli db backup/],
    [['help', 'exit-codes'], /Exit status/],
    [['help', 'formats'], /jsonl/],
  ])('%j', async (argv, expected) => {
    const host = createTestHost();
    expect(await main(argv, host)).toBe(0);
    expect(host.out()).toMatch(expected);
  });

  test.each([[['--version']], [['-V']], [['--version', '--json']]])('%j', async (argv) => {
    const host = createTestHost();
    expect(await main(argv, host)).toBe(0);
    expect(host.out()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
