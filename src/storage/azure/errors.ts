import type { HttpAnswer } from '../http/http-client.ts';
import { retryAfterOf } from '../http/retry-after.ts';
import { type CallContext, translateTransportError } from '../http/transport-errors.ts';
import { parseXml, textOf } from '../http/xml.ts';
import { StorageError, type StorageErrorKind } from '../storage-error.ts';

const KINDS: Readonly<Record<string, StorageErrorKind>> = {
  BlobNotFound: 'NOT_FOUND',
  ContainerNotFound: 'STORE_MISSING',
  ContainerDisabled: 'STORE_MISSING',
  ContainerBeingDeleted: 'UNAVAILABLE',
  ResourceNotFound: 'STORE_MISSING',
  InvalidResourceName: 'STORE_MISSING',
  AuthorizationFailure: 'DENIED',
  AuthorizationPermissionMismatch: 'DENIED',
  AuthorizationSourceIPMismatch: 'DENIED',
  AuthorizationProtocolMismatch: 'DENIED',
  InsufficientAccountPermissions: 'DENIED',
  AccountIsDisabled: 'DENIED',
  PublicAccessNotPermitted: 'DENIED',
  BlobImmutableDueToPolicy: 'DENIED',
  AuthenticationFailed: 'CREDENTIALS',
  NoAuthenticationInformation: 'CREDENTIALS',
  InvalidAuthenticationInfo: 'CREDENTIALS',
  BlobAlreadyExists: 'CONFLICT',
  ConditionNotMet: 'CONFLICT',
  TargetConditionNotMet: 'CONFLICT',
  SourceConditionNotMet: 'CONFLICT',
  Md5Mismatch: 'INTEGRITY',
  InvalidMd5: 'INTEGRITY',
  InvalidRange: 'INTEGRITY',
  CannotVerifyCopySource: 'UNSUPPORTED',
  // The blocks are gone, perhaps by another upload of the key: the put starts again.
  InvalidBlockList: 'UNAVAILABLE',
  OperationTimedOut: 'UNAVAILABLE',
  ServerBusy: 'UNAVAILABLE',
  InternalError: 'UNAVAILABLE',
};

const KINDS_BY_STATUS: Readonly<Record<number, StorageErrorKind>> = {
  401: 'CREDENTIALS',
  403: 'DENIED',
  404: 'NOT_FOUND',
  408: 'UNAVAILABLE',
  409: 'CONFLICT',
  412: 'CONFLICT',
  416: 'INTEGRITY',
  429: 'UNAVAILABLE',
  501: 'UNSUPPORTED',
  507: 'FULL',
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
  const element = parseXml(text.replace(/^\uFEFF/, ''));
  const code = headers['x-ms-error-code'] ?? textOf(element, 'Code');
  const detail = textOf(element, 'AuthenticationErrorDetail') ?? '';
  const requestId = headers['x-ms-request-id'];
  const isAzure = code !== undefined || requestId !== undefined;
  const message = isAzure
    ? firstLine(textOf(element, 'Message') ?? '')
    : 'the endpoint does not answer like Azure Blob Storage: is it?';
  return new StorageError(kindOf(status, code, `${message} ${detail}`), `${message} (${code ?? status})`, {
    backend: context.backend,
    ...(context.key === undefined ? {} : { key: context.key }),
    ...(requestId === undefined ? {} : { requestId }),
    ...retryAfterOf(headers),
  });
}

function kindOf(status: number, code: string | undefined, explanation: string): StorageErrorKind {
  const kind = code === undefined ? undefined : KINDS[code];
  // Emulators say AuthorizationFailure of a signature that is wrong; the service says it of a network rule.
  if (kind === 'CREDENTIALS' || /failed to authenticate/i.test(explanation)) return kindOfRefusal(explanation);
  if (kind === undefined && status === 400 && /md5/i.test(explanation)) return 'INTEGRITY';
  // Azure names every error: a bare 404 comes from something else.
  if (code === undefined && status === 404) return 'STORE_MISSING';
  return kind ?? KINDS_BY_STATUS[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'UNSUPPORTED');
}

/** One code stands for every signature that is refused; the explanation says why. */
function kindOfRefusal(explanation: string): StorageErrorKind {
  if (/date header|too old|x-ms-date/i.test(explanation)) return 'CLOCK';
  return /expired|time frame|lifetime validation/i.test(explanation) ? 'EXPIRED' : 'CREDENTIALS';
}

/** Without the lines that repeat the request id and the time. */
function firstLine(text: string): string {
  const [line = ''] = text.trim().split(/\r?\n/);
  return line === '' ? 'refused' : line.slice(0, 300);
}

/** Failures of the SDK that finds and renews credentials, and of the network. */
export function translateAzureError(error: unknown, context: CallContext): unknown {
  if (error instanceof Error && !(error instanceof StorageError) && isAboutCredentials(error)) {
    return new StorageError('CREDENTIALS', firstLine(error.message), { backend: context.backend, cause: error });
  }
  return translateTransportError(error, context);
}

function isAboutCredentials({ name }: Error): boolean {
  return [
    'CredentialUnavailableError',
    'AuthenticationError',
    'AggregateAuthenticationError',
    'AuthenticationRequiredError',
  ].includes(name);
}
