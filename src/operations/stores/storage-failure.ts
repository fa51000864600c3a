import { AssetError, asError, type ErrorCode } from '../../core/errors.ts';
import { isStorageError, type StorageError, type StorageErrorKind } from '../../storage/storage-error.ts';

interface Meaning {
  code: ErrorCode;
  hint: string;
}

const MEANINGS: Readonly<Record<StorageErrorKind, Meaning>> = {
  NOT_FOUND: {
    code: 'BYTES_MISSING',
    hint: 'The bytes were removed behind our back. Restore the store from a backup.',
  },
  STORE_MISSING: {
    code: 'STORE_NOT_FOUND',
    hint: 'Check bucket, container or directory and the endpoint (without a bucket in it), and that a disk is mounted.',
  },
  DENIED: {
    code: 'STORE_FORBIDDEN',
    hint: 'Ask for reading, writing, listing and deleting in this bucket, container or directory.',
  },
  CREDENTIALS: {
    code: 'CREDENTIALS_REFUSED',
    hint: 'Check the credentials, region and endpoint with: asset-cli doctor',
  },
  EXPIRED: { code: 'CREDENTIALS_EXPIRED', hint: 'Renew the credentials and try again.' },
  CONFLICT: { code: 'STATE_CHANGED', hint: 'Something else changed the object meanwhile. Try again.' },
  FULL: { code: 'DISK_FULL', hint: 'Make room in the store, or store elsewhere with --backend.' },
  READ_ONLY: { code: 'READ_ONLY', hint: 'Make the store writable, or store elsewhere with --backend.' },
  CLOCK: { code: 'CLOCK_SKEWED', hint: "Set this machine's clock (NTP) and try again." },
  INTEGRITY: {
    code: 'BYTES_DAMAGED',
    hint: 'The bytes are not what they should be. Try again; if it happens again, restore from a backup.',
  },
  UNAVAILABLE: { code: 'UNAVAILABLE', hint: 'Check the network and the service, and try again.' },
  UNSUPPORTED: {
    code: 'STORE_UNSUITABLE',
    hint: 'Check the endpoint with: asset-cli doctor, or use another backend with --backend.',
  },
};

/**
 * What a store's failure means to the user: the code decides the exit status. The provider's
 * request id goes into the details. Anything else that was thrown is passed on as it is.
 */
export function asAssetError(error: unknown): Error {
  if (isStorageError(error)) return translate(error);
  return asError(error);
}

function translate(error: StorageError): AssetError {
  // What is asked of no object, as a listing, is answered so where a bucket stands in the endpoint's path.
  const kind = error.kind === 'NOT_FOUND' && error.key === undefined ? 'STORE_MISSING' : error.kind;
  const { code, hint } = MEANINGS[kind];
  return new AssetError(code, `Backend "${error.backend}": ${error.message}`, {
    hint,
    cause: error,
    details: {
      backend: error.backend,
      ...(error.key === undefined ? {} : { key: error.key }),
      ...requestIdOf(error),
    },
  });
}

/** For the details of an error that says more of a store's failure than asAssetError does. */
export function requestIdOf(error: unknown): { requestId?: string } {
  return isStorageError(error) && error.requestId !== undefined ? { requestId: error.requestId } : {};
}
