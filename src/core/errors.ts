/**
 * Every way in which an operation can end badly, named once. The exit status that
 * belongs to each code is in cli/exit-codes.ts, the HTTP status in http/problems.ts.
 */
export const ERROR_CODES = [
  // the caller's words
  'USAGE',
  'PATH_NOT_FOUND',
  'AMBIGUOUS_ID',
  'CONFIRMATION_REQUIRED',
  // will never work as configured
  'CONFIG_INVALID',
  'CREDENTIALS_REFUSED',
  'STORE_NOT_FOUND',
  'STORE_NOT_OURS',
  'STORE_UNSUITABLE',
  'DATABASE_UNUSABLE',
  'SCHEMA_NEWER',
  'CANNOT_SIGN',
  // not there for this identity
  'ASSET_NOT_FOUND',
  'ASSET_EXPIRED',
  'TOKEN_NOT_FOUND',
  // not permitted
  'NOT_PERMITTED',
  'TOKEN_INVALID',
  'READ_ONLY',
  'STORE_FORBIDDEN',
  'DATABASE_FORBIDDEN',
  'VERDICT_REQUIRED',
  // content refused
  'FILE_EMPTY',
  'FILE_TOO_LARGE',
  'FILE_UNREADABLE',
  'TYPE_NOT_ALLOWED',
  'TYPE_MISMATCH',
  'CONTENT_UNSAFE',
  'NOT_SCANNABLE',
  'VIRUS_FOUND',
  // may work later
  'UNAVAILABLE',
  'TIMEOUT',
  'RATE_LIMITED',
  'DATABASE_LOCKED',
  'DISK_FULL',
  'SCANNER_UNAVAILABLE',
  'CREDENTIALS_EXPIRED',
  'CLOCK_SKEWED',
  'BYTES_REMAIN',
  // several items, of which some failed
  'SOME_FAILED',
  // integrity
  'BYTES_MISSING',
  'BYTES_DAMAGED',
  'DATABASE_CORRUPT',
  // conflict
  'TARGET_EXISTS',
  'STATE_CHANGED',
  'FILE_CHANGED',
  'MAX_DELETE_EXCEEDED',
  // the rest
  'INTERRUPTED',
  'UNEXPECTED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface AssetErrorOptions {
  /** One line of what to do about it. */
  hint?: string;
  /** Facts for programs; never a secret. */
  details?: ErrorDetails;
  cause?: unknown;
}

/** An error whose message is meant for the user. Anything else that is thrown is a bug. */
export class AssetError extends Error {
  override readonly name = 'AssetError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, options: AssetErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}

/** What a summary and the JSON output say of an item that failed. */
export interface FailureRecord {
  code: ErrorCode;
  message: string;
  hint?: string;
  /** Of a virus that was found. */
  signature?: string;
  /** The provider's id of the request that failed, for its support. */
  requestId?: string;
}

/** Beside the records, which are written out as they are. */
const causes = new WeakMap<FailureRecord, unknown>();

/** What was thrown, of a record that `toFailure` made. */
export function causeOf(failure: FailureRecord): unknown {
  return causes.get(failure);
}

/** What was thrown, with all its details; made anew only of a record that has been copied. */
export function errorOf(failure: FailureRecord): AssetError {
  const cause = causes.get(failure);
  if (cause instanceof AssetError) return cause;
  const { code, message, hint } = failure;
  return new AssetError(code, message, hint === undefined ? { cause } : { hint, cause });
}

/** Describes any thrown value as a failure of one item; an unknown error keeps its own message. */
export function toFailure(error: unknown): FailureRecord {
  const failure = describe(error);
  causes.set(failure, error);
  return failure;
}

function describe(error: unknown): FailureRecord {
  if (error instanceof AssetError) {
    const { code, message, hint, details = {} } = error;
    const signature = code === 'VIRUS_FOUND' ? details['signature'] : undefined;
    const { requestId } = details;
    return {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(typeof signature === 'string' ? { signature } : {}),
      ...(typeof requestId === 'string' ? { requestId } : {}),
    };
  }
  return { code: 'UNEXPECTED', message: error instanceof Error ? error.message : String(error) };
}

/** Anything may be thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
