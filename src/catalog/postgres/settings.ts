import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import type { AssetError } from '../../core/errors.ts';
import { type Environment, invalidUrl, oneOf, type ReadParameter, readParameters } from './parameters.ts';
import { type SslMode, tlsOptions, tlsWishes } from './tls.ts';

const SESSIONS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;
/** What the server has to be, as libpq asks it. */
export type SessionKind = (typeof SESSIONS)[number];

export interface PostgresServer {
  host: string;
  /** Connected to in place of the host, which stays the name that certificate and password are for. */
  address: string | undefined;
  port: number;
  sslMode: SslMode;
  tls: ConnectionOptions;
}

/** Where and how to connect, as psql would from the same URL and variables. */
export interface PostgresSettings {
  /** Tried in this order. */
  servers: readonly PostgresServer[];
  user: string;
  database: string;
  /** undefined: as ~/.pgpass says, or none. */
  password: string | undefined;
  applicationName: string;
  connectTimeoutMilliseconds: number;
  options: string | undefined;
  session: SessionKind;
  /** Without secrets. */
  location: string;
}

/**
 * Reads `postgres://user:password@host:port,host:port/database?parameter=value` with the PG* variables behind it.
 * @throws AssetError CONFIG_INVALID; the message never shows the URL, which may hold a password
 */
export function postgresSettings(text: string, environment: Environment): PostgresSettings {
  const urls = parseUrls(text);
  const [url] = urls;
  const parameter = readParameters(url.searchParams, environment);
  const user = decode(url.username) || parameter('user') || userInfo().username;
  const database = decode(url.pathname.slice(1)) || parameter('dbname') || user;
  const wishes = tlsWishes(parameter, environment);
  const timeout = wholeNumber('connect_timeout', parameter('connect_timeout') ?? '10');
  const places = readPlaces(urls, parameter);
  return {
    servers: places.map((place) => ({
      ...place,
      // As libpq: there is no TLS on a Unix socket.
      sslMode: place.host.startsWith('/') ? 'disable' : wishes.mode,
      tls: tlsOptions(place.host, wishes),
    })),
    user,
    database,
    password: decode(url.password) || parameter('password'),
    applicationName: parameter('application_name') ?? `asset-cli/${process.pid}`,
    // As libpq: 0 is no limit of its own.
    connectTimeoutMilliseconds: timeout === 0 ? Number.POSITIVE_INFINITY : timeout * 1000,
    options: parameter('options'),
    session: oneOf('target_session_attrs', SESSIONS, parameter('target_session_attrs') ?? 'any'),
    location: locationOf(places, user, database),
  };
}

const AUTHORITY = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/is;

/** Several hosts with ports are no URL: the first stays in it, each of the others is one of its own. */
function parseUrls(text: string): [URL, ...URL[]] {
  const [, start = '', hosts = '', rest = ''] = AUTHORITY.exec(text) ?? [];
  const [first = '', ...others] = hosts.split(',');
  return [parseUrl(`${start}${first}${rest}`), ...others.map((host) => parseUrl(`postgres://${host}`))];
}

const LOGIN_ALONE = /^([a-z]+:\/\/)([^/?#:@]*)(?::([^/?#@]*))?@(?=[/?#]|$)/i;

/** A login without a host, which stands in a parameter or a variable, is no URL either: it becomes parameters. */
function parseUrl(text: string): URL {
  const [, , user = '', password = ''] = LOGIN_ALONE.exec(text) ?? [];
  const withoutLogin = text.replace(LOGIN_ALONE, '$1');
  // The cause of a failure would show the password.
  if (!URL.canParse(withoutLogin)) throw invalidUrl('it is not a URL');
  const url = new URL(withoutLogin);
  // libpq takes a plus for one, a form for a blank.
  url.search = url.search.replaceAll('+', '%2B');
  if (user !== '') url.searchParams.set('user', decode(user));
  if (password !== '') url.searchParams.set('password', decode(password));
  return url;
}

const USUAL_PORT = '5432';

type Place = Pick<PostgresServer, 'host' | 'address' | 'port'>;

/** Hosts, addresses and ports are lists of one length; one port is for all. */
function readPlaces(urls: readonly [URL, ...URL[]], parameter: ReadParameter): Place[] {
  const addresses = listOf(parameter('hostaddr'));
  const hosts = readHosts(urls, parameter, addresses);
  const ports = readPorts(urls, parameter);
  if (addresses.length !== 0 && addresses.length !== hosts.length) throw unequal(hosts, addresses, 'hostaddr');
  if (ports.length !== 1 && ports.length !== hosts.length) throw unequal(hosts, ports, 'port');
  return hosts.map((host, index) => {
    const address = addresses[index];
    if (address !== undefined) checkAddress(address, host);
    return { host, address, port: portNumber((ports[index] ?? ports[0]) || USUAL_PORT) };
  });
}

function readHosts(urls: readonly URL[], parameter: ReadParameter, addresses: readonly string[]): readonly string[] {
  const named = urls.map(readHost);
  const lists = [named.join() === '' ? listOf(parameter('host')) : named, addresses];
  const hosts = lists.find((list) => list.length > 0) ?? ['localhost'];
  if (hosts.includes('')) throw invalidUrl('a host is missing between the commas');
  return hosts;
}

/** As libpq: where the URL names several hosts, their ports stand there too, or are the usual one. */
function readPorts(urls: readonly [URL, ...URL[]], parameter: ReadParameter): string[] {
  const [url] = urls;
  const asked = urls.length === 1 ? url.port || parameter('port') : url.searchParams.get('port');
  return asked ? listOf(asked) : urls.map(({ port }) => port);
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((each) => each.trim());
}

function unequal(hosts: readonly string[], others: readonly string[], name: string): AssetError {
  return invalidUrl(`the number of hosts, ${hosts.length}, is another than that of ${name}, ${others.length}`);
}

/** Without secrets. */
export function locationOf(places: readonly Place[], user: string, database: string): string {
  const [first] = places;
  if (first?.host.startsWith('/') === true && places.length === 1) {
    return `postgres://${user}@/${database}?host=${first.host}`;
  }
  return `postgres://${user}@${places.map(({ host, port }) => `${host}:${port}`).join()}/${database}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The cause would show the password.
    throw invalidUrl('it has a wrong percent sign; write % as %25');
  }
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw invalidUrl(`${name} is not a whole number`);
}

function portNumber(text: string): number {
  const port = wholeNumber('port', text);
  if (port >= 1 && port <= 65_535) return port;
  throw invalidUrl(`port ${port} is not from 1 to 65535`);
}

function readHost({ hostname }: URL): string {
  return decode(hostname).replace(/^\[(.*)\]$/, '$1');
}

function checkAddress(address: string, host: string): void {
  if (isIP(address) === 0) throw invalidUrl('hostaddr is not an address, as in 10.0.0.7');
  if (host.startsWith('/')) throw invalidUrl('hostaddr and a Unix socket exclude each other');
}
