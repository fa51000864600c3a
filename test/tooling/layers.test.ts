import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** A file of src/ with one line in it, and the words with which that line is refused. */
const REFUSED: readonly [file: string, line: string, reason: string][] = [
  ['core/asset.ts', "import { a } from '../storage/backend.ts';", 'core is pure'],
  ['core/asset.ts', "import type { A } from '../config/settings.ts';", 'core is pure'],
  ['storage/local/write.ts', "import { a } from '../../catalog/catalog.ts';", 'storage imports core alone'],
  ['catalog/rows.ts', "export { a } from '../content/content.ts';", 'catalog imports core alone'],
  ['content/sniff.ts', "const a = await import('../storage/open.ts');", 'content imports core alone'],
  ['scan/clamd.ts', "type A = import('../config/settings.ts').A;", 'scan imports core alone'],
  ['config/load.ts', "import '../operations/upload.ts';", 'config imports core alone'],
  ['operations/upload.ts', "import { a } from '../storage/local/local-backend.ts';", 'contracts only'],
  ['operations/upload.ts', "import { a } from '../catalog/sqlite/open.ts';", 'contracts only'],
  ['operations/upload.ts', "import { a } from '../cli/main.ts';", 'contracts only'],
  ['http/serve.ts', "import { a } from '../cli/main.ts';", 'http calls operations'],
  ['cli/commands/list.ts', "import { a } from '../../storage/open.ts';", 'alone names implementations'],
  ['storage/s3/s3-backend.ts', "import { a } from '../gcs/client.ts';", 'chooses a provider'],
  ['storage/s3/sign.ts', "import {\n  a,\n} from '../../catalog/catalog.ts';", 'storage imports core alone'],
  ['storage/retry.ts', "import { a } from './local/local-backend.ts';", 'chooses a provider'],
  ['storage/gcs/gcs-backend.ts', "import { S3Client } from '@aws-sdk/client-s3';", 'src/storage/s3/ alone'],
  ['operations/upload.ts', "import pg from 'pg';", 'src/catalog/ alone'],
  ['composition.ts', "const { default: D } = await import('better-sqlite3');", 'src/catalog/ alone'],
  ['http/images.ts', "import sharp from 'sharp';", 'src/content/images/ alone'],
  ['operations/upload.ts', "process.stdout.write('x');", 'only the command line'],
  ['catalog/open.ts', 'process.exitCode = 1;', 'only the command line'],
  ['catalog/open.ts', "import { env } from 'node:process';", 'node:process hides'],
  ['cli/context.ts', "import { a } from '../catalog/open.ts';", 'alone names implementations'],
  ['library/assets.ts', "import { a } from '../catalog/open.ts';", 'library calls operations'],
  ['library/assets.ts', "import { a } from '../composition.ts';", 'cli/context.ts and index.ts alone'],
  ['operations/upload.ts', "import { a } from '../composition.ts';", 'cli/context.ts and index.ts alone'],
  ['index.ts', "import { a } from './storage/open.ts';", 'composes by composition.ts'],
  ['helpers/text.ts', "import { a } from '../core/asset.ts';", 'no known folder'],
];

const ALLOWED: readonly [file: string, line: string][] = [
  ['storage/local/write.ts', "import { a } from '../../core/body.ts';"],
  ['storage/s3/sign.ts', "import { a } from '../http/xml.ts';"],
  ['storage/open.ts', "const a = await import('./local/local-backend.ts');"],
  ['operations/upload.ts', "import type { Catalog } from '../catalog/catalog.ts';"],
  ['composition.ts', "import { a } from './catalog/open.ts';"],
  ['cli/context.ts', "import { a } from '../composition.ts';"],
  ['index.ts', "import { a } from './composition.ts';"],
  ['index.ts', "export { a } from './library/assets.ts';"],
  ['library/assets.ts', "import { a } from '../operations/upload.ts';"],
  ['cli/commands/list.ts', "import { a } from '../../operations/list-assets.ts';"],
  ['cli/main.ts', "import manifest from '../../package.json' with { type: 'json' };"],
  ['cli/output/streams.ts', 'process.exitCode = 1;'],
];

describe('the dependency rule', () => {
  const report = checkLayers(REFUSED);

  test.each(REFUSED)('%s may not: %s', (file, line, reason) => {
    const at = linesOf(REFUSED, file).indexOf(line) + 1;
    expect(
      report.stderr.split('\n').filter((text) => text.includes(`${file}:${at} `) && text.includes(reason)),
    ).toHaveLength(1);
  });

  test('and says nothing else', () => {
    expect(report.status).toBe(1);
    expect(report.stderr).toContain(`${REFUSED.length} broken`);
  });

  test('refuses nothing that is allowed', () => {
    expect(checkLayers(ALLOWED)).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('the linter refuses', () => {
  test.each([
    ['src/core/a.ts', 'export const a = (b: any) => b;\n', 'noExplicitAny'],
    ['src/core/a.ts', 'export const a = (b?: string) => b!;\n', 'noNonNullAssertion'],
    ['src/operations/a.ts', "console.log('a');\n", 'noConsole'],
    ['src/cli/a.ts', 'export const a = process.env.HOME;\n', 'noProcessEnv'],
    ['src/catalog/a.ts', 'try {\n  a();\n} catch {}\n', 'noEmptyBlockStatements'],
  ])('in %s: %s', (file, code, rule) => {
    const { status, stdout, stderr } = lint(file, code);
    expect(`${stdout}${stderr}`).toContain(rule);
    expect(status).toBe(1);
  });

  test('nothing of the environment in src/config', () => {
    expect(lint('src/config/a.ts', 'export const a = process.env.HOME;\n').status).toBe(0);
  });
});

type Case = readonly [file: string, line: string, ...rest: string[]];

function checkLayers(cases: readonly Case[]) {
  const folder = mkdtempSync(join(tmpdir(), 'asset-cli-layers-'));
  for (const [file] of cases) writeBelow(folder, file, `${linesOf(cases, file).join('\n')}\n`);
  const report = spawnSync(process.execPath, ['scripts/check-layers.mjs', folder], { cwd: ROOT, encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return report;
}

function linesOf(cases: readonly Case[], file: string): string[] {
  return cases.filter(([name]) => name === file).map(([, line]) => line);
}

/** Outside the checkout there is no version control to ask. */
function lint(file: string, code: string) {
  const folder = mkdtempSync(join(tmpdir(), 'asset-cli-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeBelow(folder, file, code);
  const configuration = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...configuration, vcs: { enabled: false } }));
  return spawnSync(join(ROOT, 'node_modules/.bin/biome'), ['lint', '.'], { cwd: folder, encoding: 'utf8' });
}

function writeBelow(folder: string, file: string, content: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}
