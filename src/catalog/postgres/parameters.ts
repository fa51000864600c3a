import { AssetError } from '../../core/errors.ts';
import { suggest } from '../../core/nearest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What we do as libpq does it, by its name in a URL. */
const SUPPORTED = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  options: 'PGOPTIONS',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
} as const;

export type ParameterName = keyof typeof SUPPORTED;

/** What asks for more safety than we can give, with the values that ask for nothing. */
const UNSUPPORTED: Readonly<Record<string, { variable: string; harmless: readonly string[] }>> = {
  channel_binding: { variable: 'PGCHANNELBINDING', harmless: ['disable', 'prefer'] },
  gssencmode: { variable: 'PGGSSENCMODE', harmless: ['disable', 'prefer'] },
  sslnegotiation: { variable: 'PGSSLNEGOTIATION', harmless: ['postgres'] },
  sslcertmode: { variable: 'PGSSLCERTMODE', harmless: ['allow', 'disable'] },
  require_auth: { variable: 'PGREQUIREAUTH', harmless: [] },
  requirepeer: { variable: 'PGREQUIREPEER', harmless: [] },
  requiressl: { variable: 'PGREQUIRESSL', harmless: ['0'] },
  sslcrl: { variable: 'PGSSLCRL', harmless: [] },
  sslcrldir: { variable: 'PGSSLCRLDIR', harmless: [] },
  load_balance_hosts: { variable: 'PGLOADBALANCEHOSTS', harmless: ['disable'] },
  // Left aside, it would lead to another database than psql's.
  service: { variable: 'PGSERVICE', harmless: [] },
};

/** A parameter of the URL, else its variable; empty is none. */
export type ReadParameter = (name: ParameterName) => string | undefined;

/**
 * Parameters behind which nothing is left aside: a mistyped `sslmode` would connect without TLS.
 * @throws AssetError CONFIG_INVALID for one that is unknown, or that asks for what we cannot do
 */
export function readParameters(query: URLSearchParams, environment: Environment): ReadParameter {
  for (const [name, value] of query) refuseUnknown(name, value);
  for (const [name, { variable, harmless }] of Object.entries(UNSUPPORTED)) {
    const value = environment[variable] ?? '';
    if (value !== '' && !harmless.includes(value)) throw unsupported(`${name} (${variable})`);
  }
  // As libpq: the last of several.
  return (name) => query.getAll(name).at(-1) || environment[SUPPORTED[name]] || undefined;
}

function refuseUnknown(name: string, value: string): void {
  if (Object.hasOwn(SUPPORTED, name)) return;
  const known = Object.hasOwn(UNSUPPORTED, name) ? UNSUPPORTED[name] : undefined;
  if (known?.harmless.includes(value) === true) return;
  if (known !== undefined) throw unsupported(`${name} (${known.variable})`);
  // Of a password with a question mark in it, what follows looks like a parameter.
  const isWord = /^\w{1,40}$/.test(name);
  throw new AssetError('CONFIG_INVALID', `the database URL has an unknown parameter${isWord ? ` "${name}"` : ''}`, {
    hint: suggest(name, Object.keys(SUPPORTED)),
  });
}

function unsupported(what: string): AssetError {
  return new AssetError('CONFIG_INVALID', `the database connection asks for ${what}, which is not supported`, {
    hint: 'Take it away, or put a pooler in front that does it; sslmode=verify-full is supported.',
  });
}

/** @throws AssetError CONFIG_INVALID */
export function oneOf<T extends string>(name: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw invalidUrl(`${name} is none of ${known.join(', ')}`);
}

export function invalidUrl(reason: string): AssetError {
  return new AssetError('CONFIG_INVALID', `the database URL is wrong: ${reason}`, {
    hint: 'Write postgres://user@host:5432/name?sslmode=verify-full, the password in PGPASSWORD or ~/.pgpass.',
  });
}
