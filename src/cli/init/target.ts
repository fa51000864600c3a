import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AssetError, type ErrorCode } from '../../core/errors.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import type { Setup } from '../context/setup.ts';
import type { Questions } from './questions.ts';

export interface Target {
  path: string;
  /** Something is there, and may go. */
  replaces: boolean;
  /** Commands find it by themselves, as long as they run where `init` did. */
  isFoundByItself: boolean;
}

export interface TargetOptions {
  /** `--config`, else ASSET_CLI_CONFIG. */
  named: string | undefined;
  userWide: boolean;
  force: boolean;
}

/**
 * Where the configuration goes; settled before anything else is asked.
 * @throws AssetError TARGET_EXISTS without `--force`, USAGE, NOT_PERMITTED for a folder that cannot be written
 */
export async function chooseTarget(
  setup: Setup,
  options: TargetOptions,
  questions: Questions | undefined,
): Promise<Target> {
  const path =
    options.named === undefined ? await choosePlace(setup, options, questions) : setup.resolve(options.named);
  if (!/\.ya?ml$/.test(path)) {
    throw new AssetError('USAGE', `${path} is no YAML file`, { hint: 'Give a name that ends in .yaml.' });
  }
  checkFolder(path);
  const { here, user } = setup.places;
  const isFoundByItself = path === here || path === user;
  if (!existsSync(path)) return { path, replaces: false, isFoundByItself };
  if (!options.force) await allowReplacing(path, questions);
  return { path, replaces: true, isFoundByItself };
}

async function choosePlace({ places }: Setup, { userWide }: TargetOptions, questions: Questions | undefined) {
  const { here, user } = places;
  if (userWide) {
    if (user !== undefined) return user;
    throw new AssetError('USAGE', 'This user has no home directory', { hint: 'Name the file with --config.' });
  }
  if (questions === undefined || user === undefined) return here;
  const choices = [
    { value: here, name: `for this directory and those below: ${here}` },
    { value: user, name: `for you, wherever you are: ${user}` },
  ];
  return questions.choose('Where should the configuration be?', choices, here);
}

async function allowReplacing(path: string, questions: Questions | undefined): Promise<void> {
  if (questions === undefined) throw exists(path);
  if (await questions.confirm(`${path} exists already. Replace it?`, false)) return;
  throw new AssetError('CONFIRMATION_REQUIRED', 'Nothing was changed', { hint: 'You answered no.' });
}

/** It would be a pity to find out after all the questions. */
function checkFolder(path: string): void {
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Readable by its owner alone; whole or not at all. */
export function writeConfiguration({ path, replaces }: Target, text: string): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    makeDirectories(dirname(path), 0o700);
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600, flush: true });
    if (replaces) renameSync(temporary, path);
    else linkSync(temporary, path);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'NOT_PERMITTED',
  EPERM: 'NOT_PERMITTED',
  EROFS: 'READ_ONLY',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
};

function cannotWrite(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && 'syscall' in error)) return error;
  const code = String(error.code);
  if (code === 'EEXIST') return exists(path);
  return new AssetError(CODES[code] ?? 'PATH_NOT_FOUND', `${path} cannot be written (${code})`, {
    hint: 'Name another file with --config.',
    cause: error,
  });
}

function exists(path: string): AssetError {
  return new AssetError('TARGET_EXISTS', `${path} exists already`, {
    hint: 'Replace it with --force, or name another file with --config.',
    details: { path },
  });
}
