import type { ErrorCode } from '../core/errors.ts';
import { AssetError } from '../core/errors.ts';

export const EXIT_OK = 0;
const EXIT_BUG = 1;
const EXIT_USAGE = 2;
const EXIT_SOME_FAILED = 9;
const EXIT_INTERRUPTED = 130;

/** The exit status of every error code; what each number means is in help/topics.ts. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  USAGE: EXIT_USAGE,
  PATH_NOT_FOUND: EXIT_USAGE,
  AMBIGUOUS_ID: EXIT_USAGE,
  CONFIRMATION_REQUIRED: EXIT_USAGE,

  CONFIG_INVALID: 3,
  CREDENTIALS_REFUSED: 3,
  STORE_NOT_FOUND: 3,
  STORE_NOT_OURS: 3,
  STORE_UNSUITABLE: 3,
  DATABASE_UNUSABLE: 3,
  SCHEMA_NEWER: 3,
  CANNOT_SIGN: 3,

  ASSET_NOT_FOUND: 4,
  ASSET_EXPIRED: 4,
  TOKEN_NOT_FOUND: 4,

  NOT_PERMITTED: 5,
  TOKEN_INVALID: 5,
  READ_ONLY: 5,
  STORE_FORBIDDEN: 5,
  DATABASE_FORBIDDEN: 5,
  VERDICT_REQUIRED: 5,

  FILE_EMPTY: 6,
  FILE_TOO_LARGE: 6,
  FILE_UNREADABLE: 6,
  TYPE_NOT_ALLOWED: 6,
  TYPE_MISMATCH: 6,
  CONTENT_UNSAFE: 6,
  NOT_SCANNABLE: 6,

  VIRUS_FOUND: 7,

  UNAVAILABLE: 8,
  TIMEOUT: 8,
  RATE_LIMITED: 8,
  DATABASE_LOCKED: 8,
  DISK_FULL: 8,
  SCANNER_UNAVAILABLE: 8,
  CREDENTIALS_EXPIRED: 8,
  CLOCK_SKEWED: 8,
  BYTES_REMAIN: 8,

  SOME_FAILED: EXIT_SOME_FAILED,

  BYTES_MISSING: 10,
  BYTES_DAMAGED: 10,
  DATABASE_CORRUPT: 10,

  TARGET_EXISTS: 11,
  STATE_CHANGED: 11,
  FILE_CHANGED: 11,
  MAX_DELETE_EXCEEDED: 11,

  INTERRUPTED: EXIT_INTERRUPTED,
  UNEXPECTED: EXIT_BUG,
};

/** What a batch of several items ends with if one of these occurred, in this order. */
const DECISIVE = [EXIT_INTERRUPTED, EXIT_BUG, 7, 10];

/** From the most serious: a bug, lost bytes, what only a change of the configuration mends, what may pass. */
const GRAVITY = [EXIT_BUG, 10, 3, 5, 11, EXIT_USAGE, 8];

/** The exit status of the worst of several findings. */
export function worstExitCode(findings: readonly ErrorCode[]): number {
  if (findings.length === 0) return EXIT_OK;
  const codes = new Set(findings.map((code) => EXIT_CODES[code]));
  return GRAVITY.find((code) => codes.has(code)) ?? EXIT_BUG;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof AssetError ? EXIT_CODES[error.code] : EXIT_BUG;
}

/**
 * The exit status of a run over `total` items of which these failed. One item, or all with one
 * code: that code. Otherwise the most serious, else 9.
 */
export function batchExitCode(total: number, failures: readonly ErrorCode[]): number {
  if (failures.length === 0) return EXIT_OK;
  const codes = new Set(failures.map((code) => EXIT_CODES[code]));
  const [first = EXIT_BUG] = codes;
  if (failures.length >= total && codes.size === 1) return first;
  return DECISIVE.find((code) => codes.has(code)) ?? EXIT_SOME_FAILED;
}
