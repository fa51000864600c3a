import { AssetError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { type PathBase, resolvePath } from './paths.ts';
import type { DatabaseSettings } from './settings.ts';

const FORMS = 'Write sqlite:<path> or postgres://<user>@<host>/<database>.';
const SEVERAL_HOSTS = /^postgres(?:ql)?:\/\/(?:[^/?#]*@)?[^/?#@]*,/;
const NO_HOST = /^postgres(?:ql)?:\/\/[^/?#]*@(?:[/?#]|$)/;
const SCHEMES = ['sqlite', 'postgres', 'postgresql'];

/**
 * Reads `sqlite:<path>`, `postgres://…` and `postgresql://…`. No message repeats the url: it may hold a password.
 * @param base what a relative path counts from
 * @throws AssetError USAGE
 */
export function parseDatabaseUrl(url: string, base: PathBase): DatabaseSettings {
  checkDatabaseUrl(url);
  const path = sqlitePath(url);
  if (path === undefined) return { engine: 'postgres', url };
  const absolute = resolvePath(path, base);
  return { engine: 'sqlite', url: `sqlite:${absolute}`, path: absolute };
}

/**
 * The same without the paths.
 * @throws AssetError USAGE
 */
export function checkDatabaseUrl(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1];
  if (scheme === undefined) throw refusal('is not a database url', FORMS);
  if (!SCHEMES.includes(scheme)) {
    throw refusal(`has the unknown scheme "${scheme}:"`, `${suggest(scheme, SCHEMES)} ${FORMS}`);
  }
  const path = sqlitePath(url);
  if (path === undefined) checkPostgres(url);
  else checkSqlite(path);
  return url;
}

function sqlitePath(url: string): string | undefined {
  return url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : undefined;
}

function checkSqlite(path: string): void {
  if (path === '' || path.includes('\0')) throw refusal('names no database file', FORMS);
  if (path === ':memory:') {
    throw refusal('would keep the catalog in memory, and lose it with the command', 'Name a file: sqlite:<path>.');
  }
  if (/^\/\/[^/]/.test(path))
    throw refusal('names a host, which SQLite does not have', 'Write sqlite:<path> without "//".');
}

function checkPostgres(url: string): void {
  // To psql these are URLs, by the standard they are none; what is wrong with them is told when they are connected to.
  if (SEVERAL_HOSTS.test(url) || NO_HOST.test(url)) return;
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return;
  throw refusal(
    'is not a PostgreSQL url',
    'Write postgres://<user>@<host>/<database>, with special characters of a password percent-encoded.',
  );
}

function refusal(problem: string, hint: string): AssetError {
  return new AssetError('USAGE', `the database url ${problem}`, { hint });
}
