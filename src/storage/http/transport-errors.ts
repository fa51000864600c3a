import { StorageError } from '../storage-error.ts';

// Codes of a network that failed, or of an answer that broke off or is none: the same call may succeed later.
const PASSING = new Set([
  'EBADMSG',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** What OpenSSL makes of an answer in plain text. */
const NO_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'EPROTO',
]);

export interface CallContext {
  backend: string;
  key?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A failed connection, or an answer that broke off, as a storage error; an abort as its signal's reason. */
export function translateTransportError(error: unknown, context: CallContext): unknown {
  if (context.signal?.aborted === true) return context.signal.reason;
  if (error instanceof StorageError || !(error instanceof Error)) return error;
  const code = deepestCode(error);
  if (code === undefined) return error;
  if (NO_TLS.has(code))
    return otherProtocol('the endpoint speaks no TLS: is it http:// and not https://?', error, context);
  if (code === 'EPROTONOSUPPORT') {
    return otherProtocol('the endpoint speaks no HTTP: is the port right, and not one of https://?', error, context);
  }
  return new StorageError('UNAVAILABLE', `the connection failed: ${describe(error, code)}`, {
    backend: context.backend,
    cause: error,
    retryable: PASSING.has(code),
    ...(context.key === undefined ? {} : { key: context.key }),
  });
}

function otherProtocol(message: string, error: Error, { backend, key }: CallContext): StorageError {
  return new StorageError('UNSUPPORTED', message, {
    backend,
    cause: error,
    ...(key === undefined ? {} : { key }),
  });
}

/** Node wraps the errors of several addresses. */
function deepestCode(error: Error): string | undefined {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return deepestCode(error.errors[0]);
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? deepestCode(error.cause) : undefined;
}

function describe(error: Error, code: string): string {
  const reason = error.message === '' ? error.name : error.message;
  return `${reason} (${code})`;
}
