import { expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { AssetError, toFailure } from '../../src/core/errors.ts';
import { download } from '../../src/operations/download/download.ts';
import { bytesRemain } from '../../src/operations/removal/remove-objects.ts';
import { asAssetError } from '../../src/operations/stores/storage-failure.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { StorageError, type StorageErrorKind } from '../../src/storage/storage-error.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

const EXITS: Record<StorageErrorKind, number> = {
  NOT_FOUND: 10,
  INTEGRITY: 10,
  STORE_MISSING: 3,
  CREDENTIALS: 3,
  UNSUPPORTED: 3,
  DENIED: 5,
  READ_ONLY: 5,
  EXPIRED: 8,
  FULL: 8,
  CLOCK: 8,
  UNAVAILABLE: 8,
  CONFLICT: 11,
};

it.each(Object.entries(EXITS))(
  "%s ends in the contract's exit status %i, with the request id in the details",
  (kind, exit) => {
    const failure = asAssetError(
      new StorageError(kind as StorageErrorKind, 'it failed', { backend: 'b', key: 'k', requestId: 'r' }),
    );
    if (!(failure instanceof AssetError)) throw failure;
    expect(EXIT_CODES[failure.code]).toBe(exit);
    expect(failure.details).toEqual({ backend: 'b', key: 'k', requestId: 'r' });
    expect(failure.hint).not.toContain('\n');
  },
);

it('passes on what is not a storage error', () => {
  const bug = new TypeError('a bug');
  expect(asAssetError(bug)).toBe(bug);
  expect(asAssetError('text').message).toBe('text');
});

it('keeps the request id where more is said of the failure', async () => {
  const gone = new StorageError('NOT_FOUND', 'it is gone', { backend: 'local', key: 'k', requestId: 'r' });
  expect(toFailure(bytesRemain('an id', gone))).toMatchObject({ code: 'BYTES_REMAIN', requestId: 'r' });
  const work = await createWorkspace();
  const paths = [await writeText(work.directory, 'one.txt', 'one')];
  const { id } = assetOf((await uploadPaths(work.context(), paths))[0]);
  const wrapStore = (store: StorageBackend): StorageBackend => ({
    ...store,
    get: (key, options) => (key === '.asset-cli.json' ? store.get(key, options) : Promise.reject(gone)),
  });
  const request = {
    selection: { kind: 'ids', ids: [id] },
    target: { kind: 'directory', path: `${work.directory}/out` },
    force: false,
    concurrency: 1,
  } as const;
  expect(await collect(download(work.context({ wrapStore }), request))).toMatchObject([
    { kind: 'failed', failure: { code: 'BYTES_MISSING', requestId: 'r' } },
  ]);
});
