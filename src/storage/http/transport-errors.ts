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

const NO_TLS = 'the endpoint speaks no TLS: is it http:// and not https://?';
const NO_HTTP = 'the endpoint speaks no HTTP: is the port right, and not one of https://?';
const NOT_TRUSTED =
  'the certificate of the endpoint is not trusted; if it should be, NODE_EXTRA_CA_CERTS names the file of its authority';

/** Codes, most of them of OpenSSL, that no later call will change: something is configured wrongly. */
const LASTING = new Map([
  ['ERR_SSL_WRONG_VERSION_NUMBER', NO_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NO_TLS],
  ['ERR_SSL_HTTP_REQUEST', NO_TLS],
  ['EPROTO', NO_TLS],
  ['EPROTONOSUPPORT', NO_HTTP],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', NOT_TRUSTED],
  ['SELF_SIGNED_CERT_IN_CHAIN', NOT_TRUSTED],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', NOT_TRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT', NOT_TRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', NOT_TRUSTED],
  ['CERT_UNTRUSTED', NOT_TRUSTED],
  ['CERT_HAS_EXPIRED', 'the certificate of the endpoint has expired'],
  ['CERT_NOT_YET_VALID', 'the certificate of the endpoint is not valid yet: is the clock right?'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate of the endpoint is for another host'],
]);

/** What a peer that does speak TLS says; Node may meet it while it writes (EPROTO). */
const TLS_ALERT = /alert ([a-z ]+)/;

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
  const { backend, key } = context;
  const details = { backend, cause: error, ...(key === undefined ? {} : { key }) };
  const lasting = lastingProblem(error, code);
  if (lasting !== undefined) return new StorageError('UNSUPPORTED', lasting, details);
  const message = `the connection failed: ${describe(error, code)}`;
  return new StorageError('UNAVAILABLE', message, { ...details, retryable: PASSING.has(code) });
}

function lastingProblem({ message }: Error, code: string): string | undefined {
  const problem = LASTING.get(code);
  const [, alert] = TLS_ALERT.exec(message) ?? [];
  return problem === NO_TLS && alert !== undefined ? `the endpoint refuses the TLS handshake: ${alert}` : problem;
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
