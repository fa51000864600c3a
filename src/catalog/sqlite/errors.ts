import { AssetError } from '../../core/errors.ts';

/** Whether SQLite could not get a lock: the same transaction may succeed if it is repeated. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED') || code === 'SQLITE_PROTOCOL';
}

export function sqliteCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

interface Meaning {
  code: AssetError['code'];
  message: string;
  hint: string;
}

const MEANINGS: readonly (readonly [prefix: string, meaning: Meaning])[] = [
  [
    'ERR_DLOPEN_FAILED',
    {
      code: 'DATABASE_UNUSABLE',
      message: `cannot be opened: SQLite's driver was built for another Node than this ${process.version}`,
      hint: 'Build it for this one (npm rebuild better-sqlite3), or install asset-cli again.',
    },
  ],
  [
    'MODULE_NOT_FOUND',
    {
      code: 'DATABASE_UNUSABLE',
      message: "cannot be opened: SQLite's driver was not installed, or could not be built",
      hint: 'Install asset-cli again without leaving out optional packages, and with a C++ compiler, make and Python 3 on Node 20.',
    },
  ],
  [
    'SQLITE_BUSY',
    {
      code: 'DATABASE_LOCKED',
      message: 'is locked by another program',
      hint: 'Try again; if it stays so, see which program has it open (fuser, lsof).',
    },
  ],
  [
    'SQLITE_LOCKED',
    { code: 'DATABASE_LOCKED', message: 'is locked by another program', hint: 'Try again in a moment.' },
  ],
  [
    'SQLITE_PROTOCOL',
    { code: 'DATABASE_LOCKED', message: 'is locked by another program', hint: 'Try again in a moment.' },
  ],
  [
    'SQLITE_READONLY',
    {
      code: 'READ_ONLY',
      message: 'cannot be written',
      hint: 'Check the permissions of the file and of its directory.',
    },
  ],
  [
    'SQLITE_CORRUPT',
    {
      code: 'DATABASE_CORRUPT',
      message: 'is damaged',
      hint: 'Restore the newest backup into a new file (asset-cli db restore), then run asset-cli verify.',
    },
  ],
  [
    'SQLITE_NOTADB',
    {
      code: 'DATABASE_CORRUPT',
      message: 'is not a SQLite database',
      hint: 'Check the path; if it was the catalog, restore the newest backup into a new file.',
    },
  ],
  [
    'SQLITE_FULL',
    { code: 'DISK_FULL', message: 'cannot grow: the disk is full', hint: 'Free some space and run the command again.' },
  ],
  [
    'SQLITE_IOERR',
    {
      code: 'UNAVAILABLE',
      message: 'could not be read or written',
      hint: 'Check the disk, its free space and the system log.',
    },
  ],
  [
    'SQLITE_CANTOPEN',
    {
      code: 'DATABASE_UNUSABLE',
      message: 'cannot be opened',
      hint: 'Check that the path is a file, that its directory exists and that you may use both.',
    },
  ],
  [
    'SQLITE_PERM',
    { code: 'DATABASE_UNUSABLE', message: 'may not be opened', hint: 'Check the permissions of the file.' },
  ],
];

/** Says what SQLite means in the words of the core; anything unknown stays as it is: a bug. */
export function toAssetError(error: unknown, location: string): unknown {
  if (error instanceof AssetError) return error;
  const code = sqliteCode(error);
  const meaning = lacksSchema(error) ?? MEANINGS.find(([prefix]) => code.startsWith(prefix))?.[1];
  if (meaning === undefined) return error;
  return new AssetError(meaning.code, `the database ${location} ${meaning.message}`, {
    hint: meaning.hint,
    details: { sqlite: code },
    cause: error,
  });
}

function lacksSchema(error: unknown): Meaning | undefined {
  const what = error instanceof Error && sqliteCode(error) === 'SQLITE_ERROR' ? error.message : '';
  if (!/^no such (table|column)|has no column named/.test(what)) return undefined;
  return {
    code: 'DATABASE_UNUSABLE',
    message: `lacks a part of its schema: ${what}`,
    hint: 'Restore the newest backup into a new file: asset-cli db restore',
  };
}
