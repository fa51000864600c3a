import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cleanEnvironment } from '../support/program.ts';

const ROOT = resolve(import.meta.dirname, '../..');

test('the build compiles what short commands load, with a configuration file and without', () => {
  const compiled = compiledChunks(ROOT).map((name) => name.replace(/-.*/, ''));
  expect(compiled).toEqual(
    expect.arrayContaining(['catalog', 'cli', 'core', 'document', 'list', 'run', 'scan', 'upload']),
  );
});

test('the build compiles what commands on S3 load: the SDK too, which is most of it', () => {
  const names = compiledChunks(ROOT);
  expect(names.map((name) => name.replace(/-.*/, ''))).toContain('s3');
  const sizes = names.map((name) => statSync(join(ROOT, 'dist/chunks', name)).size);
  expect(Math.max(...sizes)).toBeGreaterThan(1_000_000);
});

test('V8 takes what the build compiled', () => {
  const script = `
    const { chunks, loadChunk } = require(${JSON.stringify(join(ROOT, 'bin/load-chunk.js'))});
    const { main } = loadChunk(${JSON.stringify(join(ROOT, 'dist/main.cjs'))});
    const refused = ([, { script }]) => script.cachedDataRejected === true;
    main(['list', '--quiet'], process).then(() => console.error(JSON.stringify([...chunks].filter(refused))));
  `;
  const { stderr } = spawnSync(process.execPath, ['-e', script], {
    env: cleanEnvironment(mkdtempSync(join(tmpdir(), 'asset-cli-compiled-'))),
    encoding: 'utf8',
  });
  expect(JSON.parse(stderr)).toEqual([]);
});

test.each([
  ['nothing is compiled', (path: string) => rmSync(path)],
  ['what is compiled is damaged', (path: string) => writeFileSync(path, 'not what V8 wrote')],
  ['what is compiled is cut short', (path: string) => writeFileSync(path, '')],
])('the program works where %s', (_, damage) => {
  const copy = mkdtempSync(join(tmpdir(), 'asset-cli-compiled-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const name of compiledChunks(copy)) damage(join(copy, 'dist/chunks', name));
  const listed = execFileSync(process.execPath, [join(copy, 'bin/asset-cli.js'), 'list', '--json'], {
    env: cleanEnvironment(join(copy, 'home')),
    encoding: 'utf8',
  });
  expect(JSON.parse(listed)).toEqual({ assets: [], nextCursor: null });
});

function compiledChunks(root: string): string[] {
  return readdirSync(join(root, 'dist/chunks')).filter((name) => name.endsWith('.compiled'));
}
