import { AssetError, type ErrorCode } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';

interface Meaning {
  code: ErrorCode;
  message: string;
  hint: string;
}

const AWAY_HINT = 'Check that the server runs and that host and port are right, then try again.';
const MISSING: Meaning = {
  code: 'DATABASE_UNUSABLE',
  message: 'lacks a part of its schema',
  hint: 'Check search_path (PGOPTIONS) first; else restore the newest backup into a new database: asset-cli db restore',
};
const BUSY: Meaning = {
  code: 'DATABASE_LOCKED',
  message: 'is locked by another program',
  hint: 'Try again; if it stays so, look for long transactions in pg_stat_activity.',
};
const CREDENTIALS: Meaning = {
  code: 'CREDENTIALS_REFUSED',
  message: 'refuses the login',
  hint: 'Check user and password (PGUSER, PGPASSWORD, ~/.pgpass) and pg_hba.conf.',
};
const FORBIDDEN: Meaning = {
  code: 'DATABASE_FORBIDDEN',
  message: 'does not permit this login to do that',
  hint: 'Grant the rights in docs/postgresql.md; db migrate and db restore need the owner.',
};
const NO_ENTRY: Meaning = {
  ...CREDENTIALS,
  hint: 'Check user, host and sslmode (PGUSER, PGHOST, PGSSLMODE) against pg_hba.conf; some servers ask for TLS.',
};
const TLS: Meaning = {
  code: 'DATABASE_UNUSABLE',
  message: 'cannot be trusted over TLS',
  hint: 'Check sslmode and sslrootcert (PGSSLMODE, PGSSLROOTCERT).',
};

const NO_TLS: Meaning = {
  code: 'DATABASE_UNUSABLE',
  message: 'offers no TLS, which sslmode asks for',
  hint: 'Switch it on in the server (ssl = on); over a network that is yours sslmode=prefer goes on without it.',
};

/** What is missing, which right, or which rule refuses, only the server can name. */
const NAMED_BY_SERVER: readonly Meaning[] = [MISSING, FORBIDDEN, NO_ENTRY];

const BY_SQLSTATE: Readonly<Record<string, Meaning>> = {
  '28P01': CREDENTIALS,
  '28000': NO_ENTRY,
  '3D000': {
    code: 'DATABASE_UNUSABLE',
    message: 'does not exist',
    hint: 'Create it (createdb), or name another with --database.',
  },
  '42501': FORBIDDEN,
  '25006': {
    code: 'READ_ONLY',
    message: 'takes no writes: it is a standby or read-only',
    hint: 'Name the primary server with --database.',
  },
  '22021': {
    code: 'USAGE',
    message: 'takes no text with a NUL in it',
    hint: 'Leave it out: nothing that is stored has one.',
  },
  '22P05': {
    code: 'DATABASE_UNUSABLE',
    message: 'has an encoding that cannot hold this text',
    hint: 'Make a new one (createdb --encoding UTF8 --template template0) and move there by db backup and db restore.',
  },
  '42P01': MISSING,
  '42703': MISSING,
  '53300': {
    code: 'UNAVAILABLE',
    message: 'has no connection left for us',
    hint: 'Try again; if it stays so, raise max_connections or put a pooler (PgBouncer) in front.',
  },
  '57P03': {
    code: 'UNAVAILABLE',
    message: 'is starting up, shutting down or recovering',
    hint: 'Try again in a moment.',
  },
  '53100': { code: 'DISK_FULL', message: 'has no space left', hint: "Free space on the database server's disk." },
  '55P03': BUSY,
  '40001': BUSY,
  '40P01': BUSY,
  '54000': {
    code: 'USAGE',
    message: 'refuses a value that is too long for its index',
    hint: 'Shorten the tag or the name.',
  },
  '57014': {
    code: 'TIMEOUT',
    message: 'took too long to answer',
    hint: 'Try again; if it stays so, look for what loads the server.',
  },
  XX001: {
    code: 'DATABASE_CORRUPT',
    message: 'is damaged',
    hint: 'Restore the newest backup into a new database, then run asset-cli verify.',
  },
  XX002: {
    code: 'DATABASE_CORRUPT',
    message: 'has a damaged index',
    hint: 'Run REINDEX DATABASE; then asset-cli verify.',
  },
};

const TLS_CODES =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/;
const SOCKET_CODES =
  /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES)$/;
/** pg reports these without a code. */
const LOST_MESSAGES = /Connection terminated|timeout expired|Query read timeout|not queryable|Client was closed/;
const SILENCE = /timeout expired|Query read timeout|due to connection timeout|timeout exceeded/;
const STARTING = '57P03';
const OUT_OF_CONNECTIONS = '53300';
const NO_CONNECTION = '08001';
const PROTOCOL_VIOLATION = '08P01';
/** PgBouncer has no code of its own for it. */
const POOLER_REFUSES_LOGIN = /authentication failed|no such user/;
const NO_TLS_MESSAGE = /does not support SSL/;

/** A server that starts, or has no connection left at the moment. */
export function isStartingOrFull(error: unknown): boolean {
  return codeOf(error) === STARTING || isOutOfConnections(error);
}

/** Whether the same transaction may succeed at once if it is repeated. */
export function isConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error));
}

/** Whether the connection is gone, or the server is not there at the moment. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  if (/^(08...|57P0[1-5]|53300)$/.test(code) || SOCKET_CODES.test(code)) return true;
  return code === '' && LOST_MESSAGES.test(messageOf(error));
}

export function isOutOfConnections(error: unknown): boolean {
  return codeOf(error) === OUT_OF_CONNECTIONS;
}

/** Of all the servers that were tried, in one error: one that starts is worth waiting for. */
export function failureOfAll(failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0];
  const code = failures.some((failure) => codeOf(failure) === STARTING) ? STARTING : NO_CONNECTION;
  return Object.assign(new AggregateError(failures, ''), { code });
}

export function serverLacksTls(error: unknown): boolean {
  return NO_TLS_MESSAGE.test(messageOf(error));
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

/** Says what PostgreSQL means in the words of the core; anything unknown stays as it is: a bug. */
export function toAssetError(error: unknown, location: string): unknown {
  if (error instanceof AssetError) return error;
  const meaning = meaningOf(error);
  return meaning === undefined ? error : refusal(meaning, error, location);
}

/** The same of what comes while connecting, where whatever a server refuses is about the settings. */
export function toConnectError(error: unknown, location: string): unknown {
  if (error instanceof AssetError) return error;
  const code = codeOf(error);
  const isOfPooler = code === PROTOCOL_VIOLATION;
  if (isOfPooler && POOLER_REFUSES_LOGIN.test(messageOf(error))) return refusal(CREDENTIALS, error, location);
  const isKnown = meaningOf(error) !== undefined && !isOfPooler;
  if (isKnown || !/^[0-9A-Z]{5}$/.test(code)) return toAssetError(error, location);
  const meaning: Meaning = {
    code: 'DATABASE_UNUSABLE',
    message: `refuses the connection: ${reasonOf(error)}`,
    hint: 'Check database and parameters of the URL, and the PG* variables, PGOPTIONS above all.',
  };
  return refusal(meaning, error, location);
}

function refusal({ code, message, hint }: Meaning, error: unknown, location: string): AssetError {
  const details = { postgres: codeOf(error) };
  return new AssetError(code, `the database ${location} ${message}`, { hint, details, cause: error });
}

function meaningOf(error: unknown): Meaning | undefined {
  const code = codeOf(error);
  const known = BY_SQLSTATE[code];
  if (known !== undefined && NAMED_BY_SERVER.includes(known)) return withReason(known, error);
  if (known !== undefined) return known;
  if (serverLacksTls(error)) return NO_TLS;
  if (TLS_CODES.test(code)) return withReason(TLS, error);
  if (/password|SASL/.test(messageOf(error)) && code === '') return CREDENTIALS;
  if (!isLost(error)) return undefined;
  return { code: 'UNAVAILABLE', message: `cannot be reached: ${reasonOf(error)}`, hint: AWAY_HINT };
}

function withReason(meaning: Meaning, error: unknown): Meaning {
  return { ...meaning, message: `${meaning.message}: ${reasonOf(error)}` };
}

/** In one line, without secrets. */
function reasonOf(error: unknown): string {
  // Of a name with several addresses every attempt failed for a reason of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ');
  const silence = SILENCE.test(messageOf(error)) ? 'it does not answer in time' : undefined;
  return silence ?? redactText(messageOf(error)).replace(/\s+/g, ' ').slice(0, 300);
}
