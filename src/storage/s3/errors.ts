import type { HttpAnswer } from '../http/http-client.ts';
import { retryAfterOf } from '../http/retry-after.ts';
import { type CallContext, translateTransportError } from '../http/transport-errors.ts';
import { parseXml, textOf } from '../http/xml.ts';
import { StorageError, type StorageErrorKind } from '../storage-error.ts';

const KINDS: Readonly<Record<string, StorageErrorKind>> = {
  NoSuchKey: 'NOT_FOUND',
  NoSuchVersion: 'NOT_FOUND',
  NoSuchBucket: 'STORE_MISSING',
  InvalidBucketName: 'STORE_MISSING',
  AccessDenied: 'DENIED',
  AllAccessDisabled: 'DENIED',
  AccountProblem: 'DENIED',
  InvalidObjectState: 'DENIED',
  InvalidAccessKeyId: 'CREDENTIALS',
  SignatureDoesNotMatch: 'CREDENTIALS',
  // Versity's gateway says this of an access key that it does not know.
  XAdminUserNotFound: 'CREDENTIALS',
  InvalidToken: 'CREDENTIALS',
  InvalidSecurity: 'CREDENTIALS',
  AuthorizationHeaderMalformed: 'CREDENTIALS',
  AuthorizationQueryParametersError: 'CREDENTIALS',
  PermanentRedirect: 'CREDENTIALS',
  TemporaryRedirect: 'CREDENTIALS',
  IllegalLocationConstraintException: 'CREDENTIALS',
  ExpiredToken: 'EXPIRED',
  TokenRefreshRequired: 'EXPIRED',
  RequestTimeTooSkewed: 'CLOCK',
  RequestExpired: 'CLOCK',
  PreconditionFailed: 'CONFLICT',
  // Another write of the same key is under way; whether it succeeds decides the next attempt.
  ConditionalRequestConflict: 'UNAVAILABLE',
  OperationAborted: 'UNAVAILABLE',
  // Someone aborted the multipart upload: the put starts again.
  NoSuchUpload: 'UNAVAILABLE',
  RequestTimeout: 'UNAVAILABLE',
  BadDigest: 'INTEGRITY',
  InvalidDigest: 'INTEGRITY',
  IncompleteBody: 'INTEGRITY',
  InvalidPart: 'INTEGRITY',
  XAmzContentSHA256Mismatch: 'INTEGRITY',
  XAmzContentChecksumMismatch: 'INTEGRITY',
  InvalidRange: 'INTEGRITY',
  QuotaExceeded: 'FULL',
  XMinioStorageFull: 'FULL',
  InsufficientStorage: 'FULL',
  EntityTooLarge: 'UNSUPPORTED',
  KeyTooLongError: 'UNSUPPORTED',
  NotImplemented: 'UNSUPPORTED',
  MethodNotAllowed: 'UNSUPPORTED',
};

const KINDS_BY_STATUS: Readonly<Record<number, StorageErrorKind>> = {
  301: 'CREDENTIALS',
  307: 'CREDENTIALS',
  401: 'CREDENTIALS',
  403: 'DENIED',
  409: 'CONFLICT',
  412: 'CONFLICT',
  416: 'INTEGRITY',
  429: 'UNAVAILABLE',
  501: 'UNSUPPORTED',
  507: 'FULL',
};

/** What an answer of 300 and more means. Reads its body. */
export async function errorFromAnswer(answer: HttpAnswer, context: CallContext): Promise<StorageError> {
  const element = parseXml(await answer.body.text());
  const isS3Error = element?.name === 'Error';
  const code = isS3Error ? textOf(element, 'Code') : undefined;
  return errorFromCode(code, answer.status, context, {
    message: isS3Error ? textOf(element, 'Message') : undefined,
    requestId: answer.headers['x-amz-request-id'] ?? textOf(element, 'RequestId'),
    region: answer.headers['x-amz-bucket-region'] ?? textOf(element, 'Region'),
    ...retryAfterOf(answer.headers),
  });
}

interface ErrorFacts {
  message?: string | undefined;
  requestId?: string | undefined;
  /** Where the bucket is, if it is not where it was asked for. */
  region?: string | undefined;
  retryAfterMilliseconds?: number | undefined;
}

export function errorFromCode(
  code: string | undefined,
  status: number,
  context: CallContext,
  facts: ErrorFacts,
): StorageError {
  const kind = (code === undefined ? undefined : KINDS[code]) ?? kindOfStatus(status, code);
  return new StorageError(kind, describe(kind, code, status, facts), {
    backend: context.backend,
    ...(context.key === undefined ? {} : { key: context.key }),
    ...(facts.requestId === undefined ? {} : { requestId: facts.requestId }),
    ...(facts.retryAfterMilliseconds === undefined ? {} : { retryAfterMilliseconds: facts.retryAfterMilliseconds }),
  });
}

function kindOfStatus(status: number, code: string | undefined): StorageErrorKind {
  if (status >= 500) return KINDS_BY_STATUS[status] ?? 'UNAVAILABLE';
  // A 404 without an S3 code comes from something that is not S3, or hides behind a wrong path.
  return KINDS_BY_STATUS[status] ?? (status === 404 && code === undefined ? 'STORE_MISSING' : 'UNSUPPORTED');
}

function describe(kind: StorageErrorKind, code: string | undefined, status: number, facts: ErrorFacts): string {
  if (kind === 'CREDENTIALS' && facts.region !== undefined && facts.region !== '') {
    return `wrong region: the bucket is in ${facts.region} (${code ?? status})`;
  }
  if (code === undefined) return `the endpoint answered ${status} without an S3 error: is it S3?`;
  const message = facts.message === undefined || facts.message === '' ? 'refused' : firstLine(facts.message);
  return `${message} (${code})`;
}

function firstLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 300);
}

/** Failures of the SDK that resolves credentials, region and endpoint, and of the network. */
export function translateS3Error(error: unknown, context: CallContext): unknown {
  if (error instanceof Error && !(error instanceof StorageError) && isAboutConfiguration(error)) {
    const kind = /expired/i.test(error.message) ? 'EXPIRED' : 'CREDENTIALS';
    const message = /region is missing/i.test(error.message) ? NO_REGION : firstLine(error.message);
    return new StorageError(kind, message, { backend: context.backend, cause: error });
  }
  return translateTransportError(error, context);
}

const NO_REGION = 'no region is known: add "region" to the backend, or set AWS_REGION';

function isAboutConfiguration(error: Error): boolean {
  return (
    ['CredentialsProviderError', 'TokenProviderError', 'ProviderError', 'EndpointError'].includes(error.name) ||
    /region is missing/i.test(error.message)
  );
}
