import { expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { AssetError } from '../../src/core/errors.ts';
import { asAssetError } from '../../src/operations/stores/storage-failure.ts';
import { StorageError, type StorageErrorKind } from '../../src/storage/storage-error.ts';

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
