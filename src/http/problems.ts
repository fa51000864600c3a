import { STATUS_CODES } from 'node:http';
import { AssetError, type ErrorCode } from '../core/errors.ts';
import { redactText } from '../core/redact.ts';

/** The HTTP status of every error code; its exit status is in cli/exit-codes.ts. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  USAGE: 400,
  PATH_NOT_FOUND: 400,
  AMBIGUOUS_ID: 400,
  CONFIRMATION_REQUIRED: 400,

  // whoever runs the server has to mend it; the request was right
  CONFIG_INVALID: 503,
  CREDENTIALS_REFUSED: 503,
  STORE_NOT_FOUND: 503,
  STORE_NOT_OURS: 503,
  STORE_UNSUITABLE: 503,
  DATABASE_UNUSABLE: 503,
  SCHEMA_NEWER: 503,
  READ_ONLY: 503,
  CANNOT_SIGN: 501,

  ASSET_NOT_FOUND: 404,
  ASSET_EXPIRED: 404,
  TOKEN_NOT_FOUND: 404,

  NOT_PERMITTED: 403,
  TOKEN_INVALID: 401,
  VERDICT_REQUIRED: 403,

  FILE_EMPTY: 400,
  FILE_TOO_LARGE: 413,
  FILE_UNREADABLE: 400,
  TYPE_NOT_ALLOWED: 415,
  TYPE_MISMATCH: 400,
  CONTENT_UNSAFE: 400,
  NOT_SCANNABLE: 400,
  VIRUS_FOUND: 422,

  UNAVAILABLE: 503,
  TIMEOUT: 503,
  RATE_LIMITED: 429,
  DATABASE_LOCKED: 503,
  DISK_FULL: 503,
  SCANNER_UNAVAILABLE: 503,
  CREDENTIALS_EXPIRED: 503,
  CLOCK_SKEWED: 503,
  BYTES_REMAIN: 503,
  INTERRUPTED: 503,

  SOME_FAILED: 500,
  BYTES_MISSING: 500,
  BYTES_DAMAGED: 500,
  DATABASE_CORRUPT: 500,
  UNEXPECTED: 500,

  TARGET_EXISTS: 409,
  STATE_CHANGED: 409,
  FILE_CHANGED: 409,
  MAX_DELETE_EXCEEDED: 409,
};

/** RFC 9457, with the code that the command line has for the same. */
export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  hint?: string;
  request_id: string;
}

/** An error of HTTP itself, for which the code alone does not tell the status. */
export class HttpError extends AssetError {
  readonly status: number;

  constructor(status: number, message: string, hint: string) {
    super('USAGE', message, { hint });
    this.status = status;
  }
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
export const RETRY_AFTER_SECONDS = 5;

export function toProblem(error: unknown, requestId: string): Problem {
  const known = toKnown(error);
  const status = known instanceof HttpError ? known.status : HTTP_STATUS[known.code];
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: known.code,
    detail: redactText(known.message),
    ...(known.hint === undefined ? {} : { hint: redactText(known.hint) }),
    request_id: requestId,
  };
}

/** Whether it is a bug: nobody outside is told more than that. */
export function isBug(error: unknown): boolean {
  return toKnown(error).code === 'UNEXPECTED';
}

function toKnown(error: unknown): AssetError {
  if (error instanceof AssetError) return error;
  const status = statusOf(error);
  if (error instanceof Error && status !== undefined && status >= 400 && status < 500) {
    return new HttpError(status, error.message, 'See /openapi.json for what this server understands.');
  }
  return new AssetError('UNEXPECTED', 'An unexpected failure', { hint: 'The log has more under this request id.' });
}

/** What Fastify and its plugins say of a request. */
function statusOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
