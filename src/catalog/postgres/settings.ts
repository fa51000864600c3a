import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { AssetError } from '../../core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
const SSL_MODES: readonly SslMode[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Where and how to connect, as psql would from the same URL and variables. */
export interface PostgresSettings {
  host: string;
  port: number;
  user: string;
  database: string;
  /** undefined: as ~/.pgpass says, or none. */
  password: string | undefined;
  applicationName: string;
  connectTimeoutMilliseconds: number;
  options: string | undefined;
  sslMode: SslMode;
  tls: ConnectionOptions;
  /** Without secrets. */
  location: string;
}

/**
 * Reads `postgres://user:password@host:port/database?parameter=value` with the PG* variables behind it.
 * @throws AssetError CONFIG_INVALID; the message never shows the URL, which may hold a password
 */
export function postgresSettings(text: string, environment: Environment): PostgresSettings {
  const url = parseUrl(text);
  const parameter = (name: string, variable: string) =>
    url.searchParams.get(name) || environment[variable] || undefined;
  // Left aside, it would lead to another database than psql's.
  if (parameter('service', 'PGSERVICE') !== undefined) throw invalid('services (PGSERVICE) are not supported');
  const host = decode(url.hostname).replace(/^\[(.*)\]$/, '$1') || parameter('host', 'PGHOST') || 'localhost';
  const port = portNumber(url.port || parameter('port', 'PGPORT') || '5432');
  const user = decode(url.username) || parameter('user', 'PGUSER') || userInfo().username;
  const database = decode(url.pathname.slice(1)) || parameter('dbname', 'PGDATABASE') || user;
  const asked = readSslMode(parameter('sslmode', 'PGSSLMODE') ?? 'prefer');
  // As libpq: there is no TLS on a Unix socket.
  const sslMode = host.startsWith('/') ? 'disable' : asked;
  // As libpq: what lies in ~/.postgresql is used without being named.
  const inHome = (name: string) => {
    const path = join(environment['HOME'] || homedir(), '.postgresql', name);
    return existsSync(path) ? path : undefined;
  };
  const timeout = wholeNumber('connect_timeout', parameter('connect_timeout', 'PGCONNECT_TIMEOUT') ?? '10');
  return {
    host,
    port,
    user,
    database,
    password: decode(url.password) || parameter('password', 'PGPASSWORD'),
    applicationName: parameter('application_name', 'PGAPPNAME') ?? `asset-cli/${process.pid}`,
    // As libpq: 0 is no limit of its own.
    connectTimeoutMilliseconds: timeout === 0 ? Number.POSITIVE_INFINITY : timeout * 1000,
    options: parameter('options', 'PGOPTIONS'),
    sslMode,
    tls: tlsOptions(sslMode, host, {
      rootCertificate: parameter('sslrootcert', 'PGSSLROOTCERT') ?? inHome('root.crt'),
      certificate: parameter('sslcert', 'PGSSLCERT') ?? inHome('postgresql.crt'),
      key: parameter('sslkey', 'PGSSLKEY') ?? inHome('postgresql.key'),
    }),
    location: host.startsWith('/')
      ? `postgres://${user}@/${database}?host=${host}`
      : `postgres://${user}@${host}:${port}/${database}`,
  };
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    // The cause would show the password.
    throw invalid('it is not a URL');
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The cause would show the password.
    throw invalid('it has a wrong percent sign; write % as %25');
  }
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw invalid(`${name} is not a whole number`);
}

function portNumber(text: string): number {
  const port = wholeNumber('port', text);
  if (port >= 1 && port <= 65_535) return port;
  throw invalid(`port ${port} is not from 1 to 65535`);
}

function readSslMode(text: string): SslMode {
  const mode = SSL_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw invalid(`sslmode is none of ${SSL_MODES.join(', ')}`);
}

interface TlsFiles {
  rootCertificate: string | undefined;
  certificate: string | undefined;
  key: string | undefined;
}

/** As libpq: only the verify modes, and `require` with a root certificate, look at who answers. */
function tlsOptions(mode: SslMode, host: string, files: TlsFiles): ConnectionOptions {
  const verifies = mode.startsWith('verify-') || (mode === 'require' && files.rootCertificate !== undefined);
  const options: ConnectionOptions = { rejectUnauthorized: verifies };
  const isName = !host.startsWith('/') && isIP(host) === 0;
  if (isName) options.servername = host;
  if (files.rootCertificate !== undefined && files.rootCertificate !== 'system') {
    options.ca = readFile('sslrootcert', files.rootCertificate);
  }
  if (files.certificate !== undefined) options.cert = readFile('sslcert', files.certificate);
  if (files.key !== undefined) options.key = readFile('sslkey', files.key);
  if (verifies && mode !== 'verify-full') options.checkServerIdentity = () => undefined;
  // An address is no server name in TLS (RFC 6066), but certificates may hold one.
  else if (verifies && !isName)
    options.checkServerIdentity = (_, certificate) => checkServerIdentity(host, certificate);
  return options;
}

function readFile(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AssetError('CONFIG_INVALID', `${name} of the database cannot be read: ${path}`, {
      hint: 'Check the path and its permissions.',
      cause: error,
    });
  }
}

function invalid(reason: string): AssetError {
  return new AssetError('CONFIG_INVALID', `the database URL is wrong: ${reason}`, {
    hint: 'Write postgres://user@host:5432/name?sslmode=verify-full, the password in PGPASSWORD or ~/.pgpass.',
  });
}
