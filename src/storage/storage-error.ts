/**
 * NOT_FOUND: no such key. STORE_MISSING: no such bucket, container or directory.
 * DENIED: the credentials lack the right. CREDENTIALS: they are wrong; EXPIRED: they were right once.
 * CONFLICT: the key is taken, or another ETag is stored. FULL: no space or quota left.
 * READ_ONLY: the store takes no writes. CLOCK: our clock is too far off to sign.
 * INTEGRITY: bytes or checksum differ from what was promised. UNAVAILABLE: may work later.
 * UNSUPPORTED: this backend cannot do that.
 */
export type StorageErrorKind =
  | 'NOT_FOUND'
  | 'STORE_MISSING'
  | 'DENIED'
  | 'CREDENTIALS'
  | 'EXPIRED'
  | 'CONFLICT'
  | 'FULL'
  | 'READ_ONLY'
  | 'CLOCK'
  | 'INTEGRITY'
  | 'UNAVAILABLE'
  | 'UNSUPPORTED';

export interface StorageErrorOptions {
  backend: string;
  key?: string;
  cause?: unknown;
  /** Whether the same call may succeed if it is repeated. */
  retryable?: boolean;
  /** As the provider asks by Retry-After. */
  retryAfterMilliseconds?: number;
  /** The provider's id of the request, for its support. */
  requestId?: string;
}

/** Why a backend could not do its duty. The message never holds a secret. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly kind: StorageErrorKind;
  readonly backend: string;
  readonly key: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMilliseconds: number | undefined;
  readonly requestId: string | undefined;

  constructor(kind: StorageErrorKind, message: string, options: StorageErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.backend = options.backend;
    this.key = options.key;
    this.retryable = options.retryable ?? kind === 'UNAVAILABLE';
    this.retryAfterMilliseconds = options.retryAfterMilliseconds;
    this.requestId = options.requestId;
  }
}

export function isStorageError(error: unknown, ...kinds: StorageErrorKind[]): error is StorageError {
  return error instanceof StorageError && (kinds.length === 0 || kinds.includes(error.kind));
}
