import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeHeaders } from '../support/node-headers.ts';

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

  function run(...args: string[]): string {
    const env = { PATH: process.env['PATH'], HOME: home, USER: 'tester' };
    return execFileSync(program, args, { cwd: home, env, encoding: 'utf8' });
  }

  function npm(cwd: string, ...args: string[]): string {
    const env = { ...process.env, ...nodeHeaders(), ...ownNativeModule(folder) };
    return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
});

/**
 * Hands the package's install script the native module that `npm ci` made here, as a prebuilt one:
 * compiling takes a minute. In CI it is fetched or compiled as on a user's machine.
 */
function ownNativeModule(folder: string): Record<string, string> {
  if (process.env['CI'] === 'true') return {};
  const source = join(ROOT, 'node_modules/better-sqlite3');
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const platform = `node-v${process.versions.modules}-${process.platform}-${process.arch}`;
  const prebuilt = join(folder, 'prebuilt', `better-sqlite3-v${version}-${platform}.tar.gz`);
  mkdirSync(dirname(prebuilt), { recursive: true });
  execFileSync('tar', ['-czf', prebuilt, 'build/Release/better_sqlite3.node'], { cwd: source });
  return { npm_config_better_sqlite3_local_prebuilds: dirname(prebuilt) };
}
