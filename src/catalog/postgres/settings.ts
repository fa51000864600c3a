import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity, type SecureVersion } from 'node:tls';
import { AssetError } from '../../core/errors.ts';
import { type Environment, readParameters } from './parameters.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
const SSL_MODES: readonly SslMode[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

const TLS_VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

const SESSIONS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;
/** What the server has to be, as libpq asks it. */
export type SessionKind = (typeof SESSIONS)[number];

/** Where and how to connect, as psql would from the same URL and variables. */
export interface PostgresSettings {
  host: string;
  /** Connected to in place of the host, which stays the name that certificate and password are for. */
  address: string | undefined;
  port: number;
  user: string;
  database: string;
  /** undefined: as ~/.pgpass says, or none. */
  password: string | undefined;
  applicationName: string;
  connectTimeoutMilliseconds: number;
  options: string | undefined;
  session: SessionKind;
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
  const parameter = readParameters(url.searchParams, environment);
  const address = parameter('hostaddr');
  const host = readHost(url) || parameter('host') || address || 'localhost';
  refuseSeveral(host);
  if (address !== undefined) checkAddress(address, host);
  const port = portNumber(url.port || parameter('port') || '5432');
  const user = decode(url.username) || parameter('user') || userInfo().username;
  const database = decode(url.pathname.slice(1)) || parameter('dbname') || user;
  const asked = oneOf('sslmode', SSL_MODES, parameter('sslmode') ?? 'prefer');
  // As libpq: there is no TLS on a Unix socket.
  const sslMode = host.startsWith('/') ? 'disable' : asked;
  // As libpq: what lies in ~/.postgresql is used without being named.
  const inHome = (name: string) => {
    const path = join(environment['HOME'] || homedir(), '.postgresql', name);
    return existsSync(path) ? path : undefined;
  };
  const timeout = wholeNumber('connect_timeout', parameter('connect_timeout') ?? '10');
  return {
    host,
    address,
    port,
    user,
    database,
    password: decode(url.password) || parameter('password'),
    applicationName: parameter('application_name') ?? `asset-cli/${process.pid}`,
    // As libpq: 0 is no limit of its own.
    connectTimeoutMilliseconds: timeout === 0 ? Number.POSITIVE_INFINITY : timeout * 1000,
    options: parameter('options'),
    session: oneOf('target_session_attrs', SESSIONS, parameter('target_session_attrs') ?? 'any'),
    sslMode,
    tls: tlsOptions(sslMode, host, {
      rootCertificate: parameter('sslrootcert') ?? inHome('root.crt'),
      certificate: parameter('sslcert') ?? inHome('postgresql.crt'),
      key: parameter('sslkey') ?? inHome('postgresql.key'),
      versions: {
        minVersion: tlsVersion('ssl_min_protocol_version', parameter('ssl_min_protocol_version')),
        maxVersion: tlsVersion('ssl_max_protocol_version', parameter('ssl_max_protocol_version')),
      },
    }),
    location: host.startsWith('/')
      ? `postgres://${user}@/${database}?host=${host}`
      : `postgres://${user}@${host}:${port}/${database}`,
  };
}

function parseUrl(text: string): URL {
  // With ports they are no URL.
  refuseSeveral(/^[a-z]+:\/\/(?:[^/?#]*@)?([^/?#@]*)/.exec(text)?.[1] ?? '');
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

function oneOf<T extends string>(name: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw invalid(`${name} is none of ${known.join(', ')}`);
}

function readHost({ hostname }: URL): string {
  return decode(hostname).replace(/^\[(.*)\]$/, '$1');
}

function refuseSeveral(hosts: string): void {
  if (!hosts.includes(',')) return;
  throw new AssetError('CONFIG_INVALID', 'the database URL names several hosts, and only one is supported', {
    hint: 'Name one: a pooler, or a DNS name that leads to the primary server.',
  });
}

function checkAddress(address: string, host: string): void {
  if (isIP(address) === 0) throw invalid('hostaddr is not an address, as in 10.0.0.7');
  if (host.startsWith('/')) throw invalid('hostaddr and a Unix socket exclude each other');
}

function tlsVersion(name: string, text: string | undefined): SecureVersion | undefined {
  return text === undefined ? undefined : oneOf(name, TLS_VERSIONS, text);
}

interface TlsWishes {
  rootCertificate: string | undefined;
  certificate: string | undefined;
  key: string | undefined;
  versions: { minVersion: SecureVersion | undefined; maxVersion: SecureVersion | undefined };
}

/** As libpq: only the verify modes, and `require` with a root certificate, look at who answers. */
function tlsOptions(mode: SslMode, host: string, files: TlsWishes): ConnectionOptions {
  const verifies = mode.startsWith('verify-') || (mode === 'require' && files.rootCertificate !== undefined);
  const options: ConnectionOptions = { rejectUnauthorized: verifies };
  const isName = !host.startsWith('/') && isIP(host) === 0;
  if (isName) options.servername = host;
  if (files.rootCertificate !== undefined && files.rootCertificate !== 'system') {
    options.ca = readFile('sslrootcert', files.rootCertificate);
  }
  if (files.certificate !== undefined) options.cert = readFile('sslcert', files.certificate);
  if (files.key !== undefined) options.key = readFile('sslkey', files.key);
  const { minVersion, maxVersion } = files.versions;
  if (minVersion !== undefined) options.minVersion = minVersion;
  if (maxVersion !== undefined) options.maxVersion = maxVersion;
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
