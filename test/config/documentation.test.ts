import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileSchema } from '../../src/config/schema/file.ts';
import { createDesk } from '../support/settings.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = await readFile(join(ROOT, 'docs/configuration.md'), 'utf8');
const README = await readFile(join(ROOT, 'README.md'), 'utf8');

function examples(page: string): string[] {
  return [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? '');
}

describe('each example', () => {
  const all = [...examples(PAGE), ...examples(README).filter((text) => text.includes('backends:'))];

  test.each(all)('is a valid configuration:\n%s', async (text) => {
    const desk = await createDesk();
    await desk.write('asset-cli.config.yaml', text);
    const env = {
      ASSET_CLI_SIGNING_KEY: 's'.repeat(32),
      ASSET_CLI_DATABASE_PASSWORD: 'p',
      ASSET_CLI_AZURE_CONNECTION: 'AccountName=a;AccountKey=b',
    };
    const { settings } = await desk.load({ env });
    expect(settings.backends.size).toBeGreaterThan(0);
  });

  test('there is one in each page', () => {
    expect(examples(PAGE)).toHaveLength(1);
    expect(all.length).toBeGreaterThan(1);
  });
});

test('the complete example has every section', () => {
  const [example = ''] = examples(PAGE);
  const sections = Object.keys(fileSchema.shape).filter((name) => name !== '$schema');
  expect(sections.filter((name) => !new RegExp(`^${name}:`, 'm').test(example))).toEqual([]);
});
