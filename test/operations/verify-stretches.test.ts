import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { verify } from '../../src/operations/verify/verify.ts';
import type { VerifyRequest } from '../../src/operations/verify/verify-run.ts';
import type { ListedStretch, StorageBackend } from '../../src/storage/backend.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

const REQUEST: VerifyRequest = { allOrganizations: true, deep: false, resume: false, repair: false };

/** Four assets; a store that tells of their bytes in stretches of those that are given; and what a verification finds. */
async function prepare() {
  const work = await createWorkspace();
  const names = ['one', 'two', 'three', 'four'];
  const files = await Promise.all(names.map((name) => writeText(work.directory, `${name}.txt`, name)));
  const assets = (await uploadPaths(work.context(), files)).map(assetOf);
  const keys = assets.map(({ storagePath }) => parseStorageKey(storagePath)).sort();
  const store = await work.context().backends.open('local');
  const facts = new Map((await collect(store.list(''))).map((object) => [object.key, object]));

  const stretch = (listed: readonly string[], last = listed.at(-1) ?? ''): ListedStretch => {
    const objects = [...facts.values()].filter(({ key }) => listed.includes(key));
    const text = objects.map(({ key, size, etag }) => `${key}\n${size} ${etag}\n`).join('');
    return { text, count: objects.length, last, objects: () => objects };
  };
  const check = async (stretches: readonly ListedStretch[]) => {
    async function* listStretches() {
      yield* stretches;
    }
    const context = work.context({ wrapStore: (inner: StorageBackend) => ({ ...inner, listStretches }) });
    const { inventory } = await context.catalog();
    const pages = vi.spyOn(inventory, 'page');
    const outcomes = await collect(verify(context, REQUEST));
    const found = outcomes.flatMap((outcome) => (outcome.kind === 'finding' ? outcome.finding : []));
    const checked = outcomes.reduce((sum, outcome) => sum + (outcome.kind === 'checked' ? outcome.count : 0), 0);
    const rows = (await Promise.all(pages.mock.results.map(({ value }) => value))).flat().length;
    pages.mockRestore();
    return { found: found.map(({ kind, storagePath }) => [kind, storagePath]), checked, rows };
  };
  const lose = (key: string) => rm(join(work.storage, key));
  return { keys, stretch, check, lose };
}

describe('a listing that comes in stretches', () => {
  test('is fine without a row being read, where it says what the catalog says', async () => {
    const { keys, stretch, check } = await prepare();
    const told = [stretch(keys.slice(0, 3)), stretch(keys.slice(3))];
    expect(await check(told)).toEqual({ found: [], checked: 4, rows: 0 });
  });

  test('tells what is missing at either end of a stretch, and behind the last', async () => {
    const { keys, stretch, check, lose } = await prepare();
    const [one = '', two = '', three = '', four = ''] = keys;
    for (const key of keys) await lose(key);
    const missing = (...lost: string[]) => lost.map((key) => ['missing', key]);
    expect((await check([stretch([one, two], three), stretch([four])])).found).toEqual(missing(three));
    expect((await check([stretch([two, three]), stretch([four])])).found).toEqual(missing(one));
    expect((await check([stretch([one]), stretch([], three), stretch([four])])).found).toEqual(missing(two, three));
    expect((await check([stretch([one, two])])).found).toEqual(missing(three, four));
    expect((await check([])).found).toEqual(missing(...keys));
  });

  test('is looked at again where it says anything else, row by row', async () => {
    const { keys, stretch, check } = await prepare();
    const first = stretch(keys.slice(0, 2));
    const objects = first.objects().map((object) => ({ ...object, etag: 'another' }));
    const told = [{ ...first, text: first.text.replaceAll('-', '='), objects: () => objects }, stretch(keys.slice(2))];
    expect(await check(told)).toEqual({ found: [], checked: 4, rows: 2 });
  });
});
