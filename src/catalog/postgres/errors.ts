import { AssetError, type ErrorCode } from '../../core/errors.ts';

interface Meaning {
  code: ErrorCode;
  message: string;
  hint: string;
}

const AWAY: Meaning = {
  code: 'UNAVAILABLE',
  message: 'cannot be reached',
  hint: 'Check that the server runs and that host and port are right, then try again.',
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
const TLS: Meaning = {
  code: 'DATABASE_UNUSABLE',
  message: 'cannot be trusted over TLS',
  hint: 'Check sslmode and sslrootcert (PGSSLMODE, PGSSLROOTCERT).',
};

const BY_SQLSTATE: Readonly<Record<string, Meaning>> = {
  '28P01': CREDENTIALS,
  '28000': CREDENTIALS,
  '3D000': {
    code: 'DATABASE_UNUSABLE',
    message: 'does not exist',
    hint: 'Create it (createdb), or name another with --database.',
  },
  '42501': {
    code: 'NOT_PERMITTED',
    message: 'does not permit this login to do that',
    hint: 'Grant the rights in docs/postgresql.md; db migrate and db restore need the owner.',
  },
  '25006': {
    code: 'READ_ONLY',
    message: 'takes no writes: it is a standby or read-only',
    hint: 'Name the primary server with --database.',
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
const NO_TLS_MESSAGE = /does not support SSL/;

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
  if (meaning === undefined) return error;
  return new AssetError(meaning.code, `the database ${location} ${meaning.message}`, {
    hint: meaning.hint,
    details: { postgres: codeOf(error) },
    cause: error,
  });
}

function meaningOf(error: unknown): Meaning | undefined {
  const code = codeOf(error);
  const known = BY_SQLSTATE[code];
  if (known !== undefined) return known;
  if (TLS_CODES.test(code) || serverLacksTls(error)) return TLS;
  if (/password|SASL/.test(messageOf(error)) && code === '') return CREDENTIALS;
  return isLost(error) ? AWAY : undefined;
}
