import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity, type SecureVersion } from 'node:tls';
import { AssetError } from '../../core/errors.ts';
import { homeDirectory } from '../../core/home-directory.ts';
import { type Environment, oneOf, type ReadParameter } from './parameters.ts';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
const SSL_MODES: readonly SslMode[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

const TLS_VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

export interface TlsWishes {
  mode: SslMode;
  rootCertificate: string | undefined;
  certificate: string | undefined;
  key: string | undefined;
  minVersion: SecureVersion | undefined;
  maxVersion: SecureVersion | undefined;
}

/** @throws AssetError CONFIG_INVALID */
export function tlsWishes(parameter: ReadParameter, environment: Environment): TlsWishes {
  // As libpq: what lies in ~/.postgresql is used without being named.
  const home = homeDirectory(environment);
  const inHome = (name: string) => {
    const path = home === undefined ? undefined : join(home, '.postgresql', name);
    return path !== undefined && existsSync(path) ? path : undefined;
  };
  return {
    mode: oneOf('sslmode', SSL_MODES, parameter('sslmode') ?? 'prefer'),
    rootCertificate: parameter('sslrootcert') ?? inHome('root.crt'),
    certificate: parameter('sslcert') ?? inHome('postgresql.crt'),
    key: parameter('sslkey') ?? inHome('postgresql.key'),
    minVersion: tlsVersion('ssl_min_protocol_version', parameter('ssl_min_protocol_version')),
    maxVersion: tlsVersion('ssl_max_protocol_version', parameter('ssl_max_protocol_version')),
  };
}

function tlsVersion(name: string, text: string | undefined): SecureVersion | undefined {
  return text === undefined ? undefined : oneOf(name, TLS_VERSIONS, text);
}

/** As libpq: only the verify modes, and `require` with a root certificate, look at who answers. */
export function tlsOptions(host: string, wishes: TlsWishes): ConnectionOptions {
  const { mode, rootCertificate, certificate, key, minVersion, maxVersion } = wishes;
  const verifies = mode.startsWith('verify-') || (mode === 'require' && rootCertificate !== undefined);
  const options: ConnectionOptions = { rejectUnauthorized: verifies };
  const isName = !host.startsWith('/') && isIP(host) === 0;
  if (isName) options.servername = host;
  if (rootCertificate !== undefined && rootCertificate !== 'system') {
    options.ca = readFile('sslrootcert', rootCertificate);
  }
  if (certificate !== undefined) options.cert = readFile('sslcert', certificate);
  if (key !== undefined) options.key = readFile('sslkey', key);
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
