import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { fileSchema } from '../../src/config/schema/file.ts';
import { keysPage, type Schema } from '../support/configuration-keys.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What editors check a file with, before its variables are known. */
function jsonSchema(): Schema & Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7', override });
  return { $schema, title: 'Configuration of asset-cli', ...(schema as Schema) };
}

function override({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  if (!Object.hasOwn(jsonSchema, 'fallback')) return;
  jsonSchema['default'] = jsonSchema['fallback'];
  delete jsonSchema['fallback'];
}

test('the JSON Schema in the package is that of the program (vitest -u writes it)', async () => {
  const text = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(ROOT, 'schema/config.schema.json'));
});

test('the documentation has every key (vitest -u writes it)', async () => {
  await expect(keysPage(jsonSchema())).toMatchFileSnapshot(join(ROOT, 'docs/configuration-keys.md'));
});

test('the schema knows every key of the complete example, and none that it has not', async () => {
  const example: unknown = parse(await readFile(join(ROOT, 'fixtures/config/complete.yaml'), 'utf8'));
  expect([...keysOf(example)].filter((key) => !known(jsonSchema(), key))).toEqual([]);
  const sections = Object.keys(jsonSchema().properties ?? {});
  expect(sections.filter((key) => key !== '$schema').sort()).toEqual(Object.keys(Object(example)).sort());
});

function* keysOf(value: unknown, path: string[] = []): Generator<string[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    yield [...path, key];
    yield* keysOf(inner, [...path, key]);
  }
}

function known(schema: Schema, path: string[]): boolean {
  if (schema.anyOf !== undefined) return schema.anyOf.some((one) => known(one, path));
  const [key = '', ...rest] = path;
  const named = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const candidates = [schema.properties?.[key], named, ...(schema.oneOf ?? []).map((one) => one.properties?.[key])];
  const found = candidates.filter((candidate) => candidate !== undefined);
  return found.length > 0 && (rest.length === 0 || found.some((candidate) => known(candidate, rest)));
}
