import type { HttpAnswer } from '../http/http-client.ts';
import { retryAfterOf } from '../http/retry-after.ts';
import { type CallContext, translateTransportError } from '../http/transport-errors.ts';
import { StorageError, type StorageErrorKind } from '../storage-error.ts';

const KINDS_BY_STATUS: Readonly<Record<number, StorageErrorKind>> = {
  401: 'CREDENTIALS',
  403: 'DENIED',
  404: 'NOT_FOUND',
  408: 'UNAVAILABLE',
  409: 'CONFLICT',
  // A resumable session that is gone: the put starts again.
  410: 'UNAVAILABLE',
  412: 'CONFLICT',
  416: 'INTEGRITY',
  429: 'UNAVAILABLE',
};

const KINDS_BY_REASON: Readonly<Record<string, StorageErrorKind>> = {
  rateLimitExceeded: 'UNAVAILABLE',
  userRateLimitExceeded: 'UNAVAILABLE',
  quotaExceeded: 'FULL',
  RequestTimeTooSkewed: 'CLOCK',
};

/** What an answer of 300 and more means. Reads its body. */
export async function errorFromAnswer(answer: HttpAnswer, context: CallContext): Promise<StorageError> {
  return errorFromText(answer.status, answer.headers, await answer.body.text(), context);
}

export function errorFromText(
  status: number,
  headers: Record<string, string>,
  text: string,
  context: CallContext,
): StorageError {
  const requestId = headers['x-guploader-uploadid'];
  const { message, reason } = readError(text, requestId !== undefined);
  return new StorageError(kindOf(status, reason, message), `${message} (${reason ?? status})`, {
    backend: context.backend,
    ...(context.key === undefined ? {} : { key: context.key }),
    ...(requestId === undefined ? {} : { requestId }),
    ...retryAfterOf(headers),
  });
}

function kindOf(status: number, reason: string | undefined, message: string): StorageErrorKind {
  const byReason = reason === undefined ? undefined : KINDS_BY_REASON[reason];
  if (byReason !== undefined) return byReason;
  if (status === 401 && /expired/i.test(message)) return 'EXPIRED';
  if (status === 400 && /md5|crc32c|hash/i.test(message)) return 'INTEGRITY';
  return KINDS_BY_STATUS[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'UNSUPPORTED');
}

/** `{"error":{"message":…,"errors":[{"reason":…}]}}`, or a text. */
function readError(text: string, isGoogle: boolean): { message: string; reason: string | undefined } {
  const plain = isGoogle || !/^\s*</.test(text) ? firstLine(text) : FOREIGN;
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; errors?: { reason?: unknown }[] } };
    const reason = error?.errors?.[0]?.reason;
    return {
      message: error?.message === undefined ? plain : firstLine(String(error.message)),
      reason: reason === undefined ? reason : String(reason),
    };
  } catch {
    return { message: plain, reason: undefined };
  }
}

const FOREIGN = 'the endpoint does not answer like Google Cloud Storage: is it?';

function firstLine(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ').slice(0, 300);
  return line === '' ? 'refused' : line;
}

/** Failures of the SDK that finds and renews credentials, and of the network. */
export function translateGcsError(error: unknown, context: CallContext): unknown {
  if (context.signal?.aborted === true || error instanceof StorageError || !(error instanceof Error)) {
    return translateTransportError(error, context);
  }
  const refused = kindOfRefusedCredentials(error);
  // Of a service that is away the text tells nothing of credentials: "Deadline expired before operation could complete."
  const kind = refused === 'UNAVAILABLE' ? refused : (kindOfCredentialsError(error) ?? refused);
  if (kind === undefined) return translateTransportError(error, context);
  // A parser's message quotes the file, which is a secret: the cause is left out too.
  if (isUnreadableKey(error)) {
    return new StorageError(kind, 'the key file is not one of Google’s', { backend: context.backend });
  }
  return new StorageError(kind, firstLine(error.message), { backend: context.backend, cause: error });
}

/** What the SDK makes of a key file that is no JSON, or lacks its key. */
function isUnreadableKey(error: Error): boolean {
  return error instanceof SyntaxError || /^key must be a string/.test(error.message);
}

function kindOfCredentialsError(error: Error): StorageErrorKind | undefined {
  const { message } = error;
  if (isUnreadableKey(error)) return 'CREDENTIALS';
  if (/reasonable timeframe/i.test(message)) return 'CLOCK';
  if (/reauth|expired/i.test(message)) return 'EXPIRED';
  const refused =
    /default credentials|invalid_grant|invalid_client|credentials? (?:file|json|does not)|keyfile|client_email|private key|DECODER|no such file/i;
  return refused.test(message) ? 'CREDENTIALS' : undefined;
}

/** An answer of the services that know accounts: the metadata server, the one for tokens, the one that signs (IAM). */
function kindOfRefusedCredentials(error: Error): StorageErrorKind | undefined {
  const status = 'response' in error ? (error.response as { status?: unknown } | undefined)?.status : undefined;
  if (typeof status !== 'number') return undefined;
  if (status === 403) return 'DENIED';
  return status === 408 || status === 429 || status >= 500 ? 'UNAVAILABLE' : 'CREDENTIALS';
}
