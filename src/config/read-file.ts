import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AssetError } from '../core/errors.ts';
import type { ConfigLocation } from './find-file.ts';
import { currentUser, whyOthersCanWrite } from './trust.ts';

export interface ConfigText {
  text: string;
  /** Of the very file that was read. */
  stats: Stats;
}

const LARGEST = 256 * 1024;

/**
 * Reads a configuration file, if it may be trusted.
 * @throws AssetError PATH_NOT_FOUND for a file that `--config` names, else CONFIG_INVALID
 */
export async function readConfigFile(location: ConfigLocation): Promise<ConfigText> {
  const handle = await openFile(location);
  try {
    const stats = await handle.stat();
    if (location.by === 'working-directory') await refuseUntrusted(location.path, stats);
    return { text: decode(location.path, await readBytes(location.path, handle)), stats };
  } catch (error) {
    throw unreadable(location, error);
  } finally {
    await handle.close();
  }
}

async function openFile(location: ConfigLocation): Promise<FileHandle> {
  // only a named file may be a pipe (`--config <(…)`): another's pipe would keep us waiting
  const wait = location.by === 'flag' || location.by === 'environment' ? 0 : (constants.O_NONBLOCK ?? 0);
  try {
    return await open(location.path, constants.O_RDONLY | wait);
  } catch (error) {
    throw unreadable(location, error);
  }
}

async function refuseUntrusted(path: string, stats: Stats): Promise<void> {
  const reason = whyOthersCanWrite(stats, await stat(dirname(path)), currentUser());
  if (reason === undefined) return;
  throw new AssetError(
    'CONFIG_INVALID',
    `${path}: this configuration was found in the working directory and ${reason}`,
    {
      hint: 'If it is yours, name it with --config, or take the right to write (chmod go-w) from others.',
      details: { file: path },
    },
  );
}

async function readBytes(path: string, handle: FileHandle): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    size += bytesRead;
    if (size > LARGEST) throw wholeFileError(path, 'is too large for a configuration', 'It may have 256 KiB.');
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw wholeFileError(path, 'is not UTF-8 text', 'Save it as UTF-8.', error);
  }
}

function wholeFileError(path: string, problem: string, hint: string, cause?: unknown): AssetError {
  return new AssetError('CONFIG_INVALID', `${path}: the file ${problem}`, { hint, details: { file: path }, cause });
}

function unreadable({ path, by }: ConfigLocation, error: unknown): unknown {
  if (error instanceof AssetError || !(error instanceof Error) || !('code' in error)) return error;
  const origin = { flag: '--config: ', environment: 'ASSET_CLI_CONFIG: ' }[by as string] ?? '';
  const details = { file: path };
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    const code = by === 'flag' ? 'PATH_NOT_FOUND' : 'CONFIG_INVALID';
    const hint = 'Check the path; without one, the nearest asset-cli.config.yaml is taken.';
    return new AssetError(code, `${origin}there is no file ${path}`, { hint, details, cause: error });
  }
  const reason = error.code === 'EISDIR' ? 'is a directory' : `cannot be read (${String(error.code)})`;
  const hint = 'Name a file that you can read.';
  return new AssetError('CONFIG_INVALID', `${origin}${path} ${reason}`, { hint, details, cause: error });
}
