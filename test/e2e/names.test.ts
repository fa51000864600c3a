import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { runProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const LONG = `${'ü'.repeat(125)}x.txt`;
/** What a file may be called on a disk, and what it is called when it comes back. */
const NAMES: readonly (readonly [original: string, downloaded: string])[] = [
  ['plain.txt', 'plain.txt'],
  ['with spaces and (brackets) & $signs.txt', 'with spaces and (brackets) & $signs.txt'],
  ['new\nline.txt', 'new_line.txt'],
  ['quo"te\'s.txt', "quo_te's.txt"],
  ['-rf', '-rf'],
  ['--help.txt', '--help.txt'],
  ['日本語 🎉 ελληνικά.txt', '日本語 🎉 ελληνικά.txt'],
  ['esc\u001b[31mape.txt', 'esc_[31mape.txt'],
  ['rtl\u202etxt.exe.txt', 'rtl_txt.exe.txt'],
  ['CON', '_CON'],
  ['back\\slash.txt', 'back_slash.txt'],
  ['.hidden', '.hidden'],
  [LONG, LONG],
];

await describeEachDatabase('names', (database) => {
  test('any file name goes in, comes back harmless, and never reaches the terminal raw', async () => {
    const home = join(await temporaryDirectory(), 'home');
    const { env } = await database.create(home);
    const files = join(home, 'in');
    mkdirSync(files, { recursive: true });
    for (const [original] of NAMES) writeFileSync(join(files, original), `content of ${original}`);

    const uploaded = await runProgram(home, ['upload', 'in'], { env });
    expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });
    const listed = await runProgram(home, ['list', '--all'], { env });
    for (const text of [uploaded.stdout, uploaded.stderr, listed.stdout]) {
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    }
    const json = JSON.parse((await runProgram(home, ['list', '--all', '--json'], { env })).stdout);
    const originals = json.assets.map((asset: { originalFilename: string }) => asset.originalFilename);
    expect(originals.sort()).toEqual(NAMES.map(([original]) => original).sort());

    const fetched = await runProgram(home, ['download', '--all', '-o', 'out'], { env });
    expect(fetched, fetched.stderr).toMatchObject({ code: 0 });
    expect(readdirSync(join(home, 'out')).sort()).toEqual(NAMES.map(([, downloaded]) => downloaded).sort());
    for (const [original, downloaded] of NAMES) {
      expect(readFileSync(join(home, 'out', downloaded), 'utf8')).toBe(`content of ${original}`);
    }
  });
});

test.each(['../../../escaped.txt', '/tmp/../escaped.txt', '..', '.', 'a/../../escaped.txt'])(
  'a download never leaves its directory, though the original name is %j',
  async (name) => {
    const home = join(await temporaryDirectory(), 'home');
    const uploaded = await runProgram(home, ['upload', '-', '--name', name], { input: 'outside?' });
    expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });
    const before = readdirSync(home);
    await runProgram(home, ['download', '--all', '-o', 'deep/er/out']);
    expect(readdirSync(home).sort()).toEqual([...before, 'deep'].sort());
    expect(readdirSync(join(home, 'deep', 'er', 'out'))).toHaveLength(1);
  },
);

test('symbolic links below a directory are not followed, the one that is named is', async () => {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'in', 'sub'), { recursive: true });
  writeFileSync(join(home, 'secret.txt'), 'secret');
  writeFileSync(join(home, 'in', 'sub', 'open.txt'), 'open');
  symlinkSync(join(home, 'secret.txt'), join(home, 'in', 'link.txt'));
  symlinkSync(home, join(home, 'in', 'loop'));
  symlinkSync(join(home, 'in'), join(home, 'alias'));
  const result = await runProgram(home, ['upload', 'in', '--json']);
  expect(result.stderr).toContain('in/link.txt and 1 more left out');
  const below = JSON.parse(result.stdout);
  expect(below.assets.map((asset: { source: string }) => asset.source)).toEqual(['in/sub/open.txt']);
  const named = JSON.parse((await runProgram(home, ['upload', 'in/link.txt', 'alias', '--json'])).stdout);
  expect(named.assets.map((asset: { source: string }) => asset.source)).toEqual(['in/link.txt', 'alias/sub/open.txt']);
});

test('a name that is not UTF-8 is refused as such, and the rest goes on', async () => {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'in'), { recursive: true });
  const inLatin1 = (name: string) => Buffer.concat([Buffer.from(join(home, 'in/')), Buffer.from(name, 'latin1')]);
  writeFileSync(inLatin1('caf\u00e9.txt'), 'one');
  writeFileSync(join(home, 'in', 'real \uFFFD.txt'), 'two');
  // Read with a replacement character it is the name of the other.
  writeFileSync(inLatin1('real \u00e9.txt'), 'three');
  const result = await runProgram(home, ['upload', 'in', '--json']);
  expect(result.code).toBe(9);
  const { assets, failed } = JSON.parse(result.stdout);
  expect(assets.map((asset: { source: string }) => asset.source)).toEqual(['in/real \uFFFD.txt']);
  const refused = { code: 'USAGE', message: expect.stringContaining('not valid UTF-8') };
  expect(failed).toMatchObject([refused, refused]);
});

test('a directory whose name is not UTF-8 is told, whatever files are selected', async () => {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(Buffer.concat([Buffer.from(join(home, 'in/')), Buffer.from('caf\u00e9', 'latin1')]), { recursive: true });
  writeFileSync(join(home, 'in', 'a.txt'), 'one');
  const result = await runProgram(home, ['upload', 'in', '--include', '*.txt', '--json']);
  expect(result.code).toBe(9);
  const { failed } = JSON.parse(result.stdout);
  expect(failed).toMatchObject([{ code: 'USAGE', message: expect.stringContaining('not valid UTF-8') }]);
});

test('an upload leaves out its own store, and says when nothing is selected', async () => {
  const home = join(await temporaryDirectory(), 'home');
  const env = { LOCAL_STORAGE_PATH: join(home, 'in', 'store') };
  mkdirSync(join(home, 'in'), { recursive: true });
  writeFileSync(join(home, 'in', 'a.txt'), 'content');
  await runProgram(home, ['upload', 'in'], { env });
  const again = await runProgram(home, ['upload', 'in', '--json'], { env });
  expect(again.stderr).toContain('in/store is a store of assets and is left out');
  expect(JSON.parse(again.stdout).assets).toHaveLength(1);
  const none = await runProgram(home, ['upload', 'in', '--include', '*.pdf'], { env });
  expect(none).toMatchObject({ code: 0, stderr: expect.stringContaining('no file below in is selected') });
});

test.each([
  ['text', Buffer.from('hello\n'), /^seo_report_\d{8}_\d{6}\.txt$/],
  [
    'a PDF',
    readFileSync(join(import.meta.dirname, '../../fixtures/files/report.pdf')),
    /^seo_report_\d{8}_\d{6}\.pdf$/,
  ],
])('standard input without a name gets one that fits its content: %s', async (_what, input, name) => {
  const home = join(await temporaryDirectory(), 'home');
  const result = await runProgram(home, ['upload', '-', '--type', 'SEO_REPORT', '--json'], { input });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(result.stdout).assets[0].originalFilename).toMatch(name);
});
