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
  STORE_FORBIDDEN: 503,
  DATABASE_FORBIDDEN: 503,
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

const UNEXPECTED_SENTENCE = 'An unexpected failure';
const LOG_HINT = 'Whoever runs this server finds more in its log under this request id.';

/** All that a client is told of what is wrong with the server: messages name its hosts, logins and paths. */
const SENTENCES: Readonly<Partial<Record<ErrorCode, string>>> = {
  CONFIG_INVALID: 'The server is not configured for this',
  CREDENTIALS_REFUSED: 'The store refuses the server',
  STORE_NOT_FOUND: 'The store is not there',
  STORE_NOT_OURS: 'The store is not the one it was',
  STORE_UNSUITABLE: 'The store cannot do this',
  DATABASE_UNUSABLE: 'The database cannot be used',
  SCHEMA_NEWER: 'The database is newer than the server',
  READ_ONLY: 'The server may only read',
  STORE_FORBIDDEN: 'The store does not let the server do this',
  DATABASE_FORBIDDEN: 'The database does not let the server do this',
  CANNOT_SIGN: 'The store cannot sign URLs',
  UNAVAILABLE: 'Something that the server needs does not answer',
  TIMEOUT: 'Something that the server needs takes too long',
  DATABASE_LOCKED: 'The database is busy',
  DISK_FULL: 'The server has no space left',
  SCANNER_UNAVAILABLE: 'The virus scanner does not answer',
  CREDENTIALS_EXPIRED: 'The credentials of the server have expired',
  CLOCK_SKEWED: 'The clock of the server is off',
  BYTES_REMAIN: 'The asset is gone; its bytes follow later',
  INTERRUPTED: 'The server is stopping',
  SOME_FAILED: 'Not all of it was done',
  BYTES_MISSING: 'The content is missing from the store',
  BYTES_DAMAGED: 'The content is damaged in the store',
  DATABASE_CORRUPT: 'The database is damaged',
  UNEXPECTED: UNEXPECTED_SENTENCE,
};

const FIRST_OF_SERVER = 500;

export function toProblem(error: unknown, requestId: string): Problem {
  const known = toKnown(error);
  const status = statusCodeOf(known);
  const { detail, hint } = status < FIRST_OF_SERVER ? wordsOf(known) : serverWords(known.code);
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: known.code,
    detail,
    ...(hint === undefined ? {} : { hint }),
    request_id: requestId,
  };
}

/** Whether the server is at fault: its log has to say what nobody outside is told. */
export function isServerFailure(error: unknown): boolean {
  return statusCodeOf(toKnown(error)) >= FIRST_OF_SERVER;
}

/** An error for the log, with all that led to it. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? error.message;
  return error.cause === undefined ? text : `${text}\nCaused by: ${describeFailure(error.cause)}`;
}

function statusCodeOf(known: AssetError): number {
  return known instanceof HttpError ? known.status : HTTP_STATUS[known.code];
}

interface Words {
  detail: string;
  hint?: string | undefined;
}

function serverWords(code: ErrorCode): Words {
  // There is no more to find of a request that the server had no time for.
  return { detail: SENTENCES[code] ?? UNEXPECTED_SENTENCE, hint: code === 'INTERRUPTED' ? 'Try again.' : LOG_HINT };
}

function wordsOf({ code, message, hint }: AssetError): Words {
  const fitting = hint === undefined || COMMAND_LINE.test(hint) ? HINTS[code] : hint;
  return { detail: redactText(message), hint: fitting === undefined ? undefined : redactText(fitting) };
}

/** Advice for the terminal helps no client of HTTP. */
const COMMAND_LINE = /\basset-cli\b|(?:^|[\s(])--[a-z]/;

const UNDERSTOOD = 'See /openapi.json for what this server understands.';

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  ASSET_NOT_FOUND: 'GET / lists what there is.',
  ASSET_EXPIRED: 'It is not handed out any more.',
  VIRUS_FOUND: 'It is not handed out; an admin may release it.',
  VERDICT_REQUIRED: 'It is handed out once it has been scanned.',
  NOT_PERMITTED: 'Use another token, or ask for a new URL.',
  USAGE: UNDERSTOOD,
};

function toKnown(error: unknown): AssetError {
  if (error instanceof AssetError) return error;
  const status = statusOf(error);
  // The framework's message is no more than the title.
  if (status === 415) return new HttpError(415, 'A body of this Content-Type is not read here', UNDERSTOOD);
  if (error instanceof Error && status !== undefined && status >= 400 && status < 500) {
    return new HttpError(status, error.message, UNDERSTOOD);
  }
  return new AssetError('UNEXPECTED', UNEXPECTED_SENTENCE);
}

/** What Fastify and its plugins say of a request. */
function statusOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
