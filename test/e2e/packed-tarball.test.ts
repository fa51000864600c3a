import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prebuiltNativeModule } from '../support/prebuilt-native-module.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MINUTES = 60_000;
const TEXT = 'what is stored comes back\n';

interface PackedTarball {
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}

describe('the packed tarball', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asset-cli-tarball-'));
  const home = join(folder, 'empty');
  const program = join(home, 'node_modules/.bin/asset-cli');
  let tarball: PackedTarball;

  beforeAll(() => {
    mkdirSync(home);
    const [packed] = JSON.parse(npm(ROOT, 'pack', '--json', '--pack-destination', folder)) as PackedTarball[];
    if (packed === undefined) throw new Error('npm pack made no tarball');
    tarball = packed;
    writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
    npm(home, 'install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, tarball.filename));
  }, 10 * MINUTES);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('holds the program, its schema and documents, and no sources', () => {
    const tops = new Set(tarball.files.map(({ path }) => path.split('/')[0]));
    expect([...tops].sort()).toEqual(expect.arrayContaining(['README.md', 'bin', 'dist', 'docs', 'package.json']));
    for (const top of ['src', 'test', 'scripts', 'fixtures', '.ci']) expect(tops).not.toContain(top);
    expect(tarball.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['bin/asset-cli.js', 'dist/main.cjs', 'dist/third-party-licenses.txt']),
    );
  });

  test('tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(run('--version')).toBe(`${version}\n`);
  });

  test('stores, lists and fetches a file in an empty folder', () => {
    writeFileSync(join(home, 'note.txt'), TEXT);
    const { assets } = JSON.parse(run('upload', 'note.txt', '--json'));
    const listed = JSON.parse(run('list', '--json'));
    expect(listed.assets.map(({ id }: { id: string }) => id)).toEqual([assets[0].id]);
    run('download', assets[0].id, '-o', 'back.txt');
    expect(readFileSync(join(home, 'back.txt'), 'utf8')).toBe(TEXT);
  });

  test('is a library for a TypeScript program, checked by the compiler', () => {
    const program = copyProgram('use-library.mts');
    const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--exactOptionalPropertyTypes'];
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    const tsc = [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, ...types, program];
    const compiled = spawnSync(process.execPath, tsc, { cwd: home, encoding: 'utf8' });
    expect(compiled.stdout).toBe('');
    expect(runQuietly('use-library.mjs', 'typed.json')).toMatchObject({
      saved: {
        originalFilename: 'ranking.csv',
        mimeType: 'text/csv',
        userId: null,
        organizationId: 'acme',
        projectId: 'p1',
        scanResultId: 's1',
        deduplicated: false,
      },
      listed: [expect.any(String)],
      content: 'title,rank\nhome,1\n',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:8080\/files\/local\//),
      code: 'USAGE',
      isPublic: true,
      cdnUrl: null,
    });
  });

  test('types programs that require as well', () => {
    writeFileSync(
      join(home, 'typed.cts'),
      "import lib = require('asset-cli');\nexport const open: () => Promise<lib.Assets> = lib.openAssets;\n",
    );
    const options = ['--module', 'nodenext', '--strict', '--noEmit', '--types', 'node'];
    const typeRoots = ['--typeRoots', join(ROOT, 'node_modules/@types')];
    const tsc = [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, ...typeRoots, 'typed.cts'];
    expect(spawnSync(process.execPath, tsc, { cwd: home, encoding: 'utf8' }).stdout).toBe('');
  });

  test('is a library for an ECMAScript module', () => {
    copyProgram('use-library.mjs');
    const result = runQuietly('use-library.mjs', 'esm.json');
    expect(result).toMatchObject({
      uploaded: { originalFilename: 'made.txt', tags: { from: 'esm' }, deduplicated: false },
      again: { originalFilename: 'again.txt', deduplicated: true },
      path: join(home, 'esm-back.txt'),
      bytes: 18,
      code: 'FILE_EMPTY',
    });
    expect(readFileSync(join(home, 'esm-back.txt'), 'utf8')).toBe('made by a program\n');
  });

  test('is the same library for a CommonJS program', () => {
    copyProgram('use-library.cjs');
    const result = runQuietly('use-library.cjs', 'cjs.json');
    expect(result).toMatchObject({
      saved: { userId: null, assetType: 'LLM_TXT' },
      code: 'ASSET_NOT_FOUND',
      same: true,
    });
    expect(result.saved.originalFilename).toMatch(/^llm_txt_\d{8}_\d{6}\.txt$/);
    expect(result.deleted.id).toBe(result.saved.id);
  });

  function copyProgram(name: string): string {
    copyFileSync(join(import.meta.dirname, 'programs', name), join(home, name));
    return name;
  }

  /** Runs a program that must end by itself and print nothing, and reads what it wrote down. */
  function runQuietly(name: string, report: string) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [name], {
      cwd: home,
      env: { ...userEnvironment(), ASSET_CLI_HOME: join(home, `${name}-data`) },
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    return JSON.parse(readFileSync(join(home, report), 'utf8'));
  }

  function run(...args: string[]): string {
    return execFileSync(program, args, { cwd: home, env: userEnvironment(), encoding: 'utf8' });
  }

  function userEnvironment() {
    return { PATH: process.env['PATH'], HOME: home, USER: 'tester' };
  }

  function npm(cwd: string, ...args: string[]): string {
    const env = { ...process.env, ...prebuiltNativeModule(folder) };
    return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
});
