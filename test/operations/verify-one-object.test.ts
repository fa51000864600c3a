import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { verify } from '../../src/operations/verify/verify.ts';
import type { VerifyOutcome, VerifyRequest } from '../../src/operations/verify/verify-run.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { type ContextChanges, createWorkspace, type Workspace } from '../support/workspace.ts';

const REQUEST: VerifyRequest = { allOrganizations: true, deep: false, resume: false, repair: false };

/** Two assets, the second of another year: in a directory of its own. */
async function prepare(): Promise<{ work: Workspace; assets: [Asset, Asset] }> {
  const work = await createWorkspace();
  const one = assetOf((await uploadPaths(work.context(), [await writeText(work.directory, 'one.txt', 'one')]))[0]);
  const types = { assetType: 'EXPORT_FILE' };
  const paths = [await writeText(work.directory, 'two.txt', 'two')];
  const two = assetOf((await uploadPaths(work.context(), paths, types))[0]);
  return { work, assets: [one, two] };
}

async function check(work: Workspace, changes: Partial<VerifyRequest> = {}, context: ContextChanges = {}) {
  const outcomes = await collect(verify(work.context(context), { ...REQUEST, ...changes }));
  return outcomes.filter(({ kind }) => kind !== 'checked');
}

function found(outcomes: readonly VerifyOutcome[]): unknown[] {
  return outcomes.map((outcome) => {
    if (outcome.kind === 'finding') return [outcome.finding.kind, outcome.finding.storagePath];
    if (outcome.kind === 'failed') return [outcome.failure.code, outcome.storagePath];
    return [outcome.kind];
  });
}

/** A store that does not let one object be looked at. */
function refusing(path: string, kind: 'DENIED' | 'UNAVAILABLE', all = false) {
  return (store: StorageBackend): StorageBackend => ({
    ...store,
    stat: (key, ...rest) =>
      all || key === path
        ? Promise.reject(new StorageError(kind, 'it is refused', { backend: store.name, key }))
        : store.stat(key, ...rest),
  });
}

describe('a symbolic link in the place of an object', () => {
  test.each([false, true])('is a finding about that one, and the rest goes on (deep: %s)', async (deep) => {
    const { work, assets } = await prepare();
    const [linked, lost] = assets;
    const place = join(work.storage, linked.storagePath);
    const elsewhere = join(work.directory, 'elsewhere');
    renameSync(place, elsewhere);
    symlinkSync(elsewhere, place);
    rmSync(join(work.storage, lost.storagePath));
    const outcomes = await check(work, { deep });
    expect(found(outcomes)).toEqual([
      ['corrupt', linked.storagePath],
      ['missing', lost.storagePath],
    ]);
    expect(outcomes[0]).toMatchObject({ finding: { detail: expect.stringContaining('symbolic link') } });
  });

  test('is marked, and what is uploaded again takes its place; what it leads to stays as it is', async () => {
    const { work, assets } = await prepare();
    const [linked] = assets;
    const place = join(work.storage, linked.storagePath);
    const elsewhere = join(work.directory, 'elsewhere');
    await writeFile(elsewhere, 'precious');
    rmSync(place);
    symlinkSync(elsewhere, place);
    expect(await check(work, { repair: true })).toMatchObject([{ finding: { repair: { kind: 'marked' } } }]);
    await uploadPaths(work.context(), [join(work.directory, 'one.txt')]);
    expect(found(await check(work, { deep: true }))).toEqual([]);
    expect(lstatSync(place).isSymbolicLink()).toBe(true);
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
  });

  test('goes with its asset, alone', async () => {
    const { work, assets } = await prepare();
    const place = join(work.storage, assets[0].storagePath);
    const elsewhere = join(work.directory, 'elsewhere');
    renameSync(place, elsewhere);
    symlinkSync(elsewhere, place);
    const selection = { kind: 'ids', ids: [assets[0].id] } as const;
    await collect(deleteAssets(work.context(), { selection, dryRun: false }));
    expect(lstatSync(place, { throwIfNoEntry: false })).toBeUndefined();
    expect(readFileSync(elsewhere, 'utf8')).toBe('one');
  });

  test('in the place of a directory keeps what lies below from being looked at, and nothing else', async () => {
    const { work, assets } = await prepare();
    const [linked, lost] = assets;
    const directory = dirname(join(work.storage, linked.storagePath));
    const elsewhere = join(work.directory, 'elsewhere');
    mkdirSync(dirname(elsewhere), { recursive: true });
    renameSync(directory, elsewhere);
    symlinkSync(elsewhere, directory);
    rmSync(join(work.storage, lost.storagePath));
    expect(found(await check(work, { repair: true }))).toEqual([
      ['STORE_FORBIDDEN', linked.storagePath],
      ['missing', lost.storagePath],
    ]);
  });
});

describe('an object that cannot be looked at', () => {
  test.each(['DENIED', 'UNAVAILABLE'] as const)('is told, and the rest goes on (%s)', async (kind) => {
    const { work, assets } = await prepare();
    const [refused, lost] = assets;
    rmSync(join(work.storage, lost.storagePath));
    const outcomes = await check(work, { deep: true }, { wrapStore: refusing(refused.storagePath, kind) });
    expect(found(outcomes)).toEqual([
      [kind === 'DENIED' ? 'STORE_FORBIDDEN' : 'UNAVAILABLE', refused.storagePath],
      ['missing', lost.storagePath],
    ]);
  });

  test('is looked at again by who goes on with the verification', async () => {
    const { work, assets } = await prepare();
    const [refused] = assets;
    const stopping = new AbortController();
    const wrapStore = refusing(refused.storagePath, 'UNAVAILABLE');
    const context = work.context({ wrapStore, signal: stopping.signal });
    for await (const { kind } of verify(context, { ...REQUEST, deep: true })) {
      if (kind === 'failed') stopping.abort();
    }
    rmSync(join(work.storage, refused.storagePath));
    expect(found(await check(work, { deep: true, resume: true }))).toEqual([['missing', refused.storagePath]]);
  });

  test('is looked at again also if no row knows it', async () => {
    const { work } = await prepare();
    const orphan = `default/export_file/2020/01/01/${randomUUID()}.txt`;
    const place = join(work.storage, orphan);
    mkdirSync(dirname(place), { recursive: true });
    await writeFile(place, 'nobody knows it');
    utimesSync(place, new Date(0), new Date(0));
    const stopping = new AbortController();
    const wrapStore = refusing(orphan, 'DENIED');
    const context = work.context({ wrapStore, signal: stopping.signal });
    for await (const { kind } of verify(context, { ...REQUEST, deep: true })) {
      if (kind === 'failed') stopping.abort();
    }
    expect(found(await check(work, { deep: true, resume: true }, { wrapStore }))).toEqual([
      ['STORE_FORBIDDEN', orphan],
    ]);
    expect(found(await check(work, { deep: true }))).toEqual([['orphaned', orphan]]);
  });

  test('ends the verification of a store that does not answer at all', async () => {
    const { work, assets } = await prepare();
    const outcomes = await check(
      work,
      { deep: true },
      { wrapStore: refusing(assets[0].storagePath, 'UNAVAILABLE', true) },
    );
    expect(found(outcomes)).toEqual([['UNAVAILABLE', undefined]]);
  });
});
