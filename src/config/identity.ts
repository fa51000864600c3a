import { userInfo } from 'node:os';
import { AssetError } from '../core/errors.ts';
import { checkId, type Identity, ROLES, type Role } from '../core/identity.ts';
import { suggest } from '../core/nearest.ts';
import { DEFAULT_ORGANIZATION } from './defaults.ts';
import { readNamed, variable } from './environment.ts';
import type { FileConfig } from './schema/file.ts';
import type { DatabaseSettings, LoadRequest } from './settings.ts';

const NOBODY = '-';

/**
 * Who acts. An embedded database is its user's own, so the default there is its operator; who shares
 * a database with others is a member until said otherwise.
 */
export function resolveIdentity(
  { flags, env }: LoadRequest,
  file: FileConfig['identity'],
  engine: DatabaseSettings['engine'],
): Identity {
  const organization =
    given('--org', flags.org, checkOrganization) ??
    given('ASSET_CLI_ORGANIZATION', variable(env, 'ASSET_CLI_ORGANIZATION'), checkOrganization);
  const role =
    given('--role', flags.role, parseRole) ?? given('ASSET_CLI_ROLE', variable(env, 'ASSET_CLI_ROLE'), parseRole);
  const user =
    given('--as', flags.as, checkUser) ?? given('ASSET_CLI_USER', variable(env, 'ASSET_CLI_USER'), checkUser);
  const actor = user ?? file?.user ?? loginId(login());
  return {
    user: actor === NOBODY ? null : actor,
    organization: organization ?? file?.organization ?? DEFAULT_ORGANIZATION,
    role: role ?? file?.role ?? (engine === 'sqlite' ? 'operator' : 'member'),
  };
}

function given<T>(name: string, text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : readNamed(name, text, parse);
}

function checkOrganization(text: string): string {
  return checkId('organization', text);
}

function checkUser(text: string): string {
  return text === NOBODY ? text : checkId('user', text);
}

function parseRole(text: string): Role {
  const role = ROLES.find((each) => each === text);
  if (role === undefined) throw new AssetError('USAGE', `"${text}" is not a role`, { hint: suggest(text, ROLES) });
  return role;
}

interface Login {
  name: string | undefined;
  uid: number | undefined;
}

function login(): Login {
  try {
    const { username, uid } = userInfo();
    return { name: username, uid };
  } catch (error) {
    // a user id without an entry in the user database, as in some containers
    if (error instanceof Error && 'syscall' in error) return { name: undefined, uid: process.getuid?.() };
    throw error;
  }
}

/** The login name; `uid-<n>` where there is none, or one that is no valid id. */
export function loginId({ name, uid }: Login): string {
  if (name !== undefined && isUserId(name)) return name;
  return uid === undefined ? NOBODY : `uid-${uid}`;
}

function isUserId(name: string): boolean {
  try {
    return checkId('user', name) === name;
  } catch (error) {
    if (error instanceof AssetError) return false;
    throw error;
  }
}
