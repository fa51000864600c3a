import type { Stats } from 'node:fs';

/** The user that runs the program; undefined where users have no numbers (Windows), and modes no meaning. */
export function currentUser(): number | undefined {
  return process.geteuid?.();
}

type Access = Pick<Stats, 'mode' | 'uid' | 'gid'>;

const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const GROUP_READ = 0o040;
const OTHERS_READ = 0o004;
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Why a configuration that was found in a working directory cannot be trusted, undefined if it can:
 * someone else than this user and root can write it, or can put another in its place because the
 * folder is theirs or open to them (without the sticky bit, which lets only owners replace files).
 */
export function whyOthersCanWrite(file: Access, folder: Access, user: number | undefined): string | undefined {
  if (user === undefined) return undefined;
  if (isForeign(file, user)) return 'belongs to another user';
  if (isOpenTo(file, user, GROUP_WRITE, OTHERS_WRITE)) return 'can be written by other users';
  if (isForeign(folder, user)) return 'lies in a folder of another user';
  const replaceable = isOpenTo(folder, user, GROUP_WRITE, OTHERS_WRITE) && (folder.mode & STICKY) === 0;
  return replaceable ? 'lies in a folder that other users can write' : undefined;
}

export function othersCanRead(file: Access, user: number | undefined): boolean {
  return user !== undefined && isOpenTo(file, user, GROUP_READ, OTHERS_READ);
}

function isForeign({ uid }: Access, user: number): boolean {
  return uid !== user && uid !== ROOT;
}

/** A user's private group (of the same number, as many Linux systems make it) is nobody else. */
function isOpenTo({ mode, gid }: Access, user: number, group: number, others: number): boolean {
  const privateGroup = user !== ROOT && gid === user;
  return (mode & others) !== 0 || ((mode & group) !== 0 && !privateGroup);
}
