import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where scripts/install-services.mjs puts what it builds. */
export const BINARY_CACHE = process.env['ASSET_CLI_TEST_CACHE'] ?? resolve(import.meta.dirname, '../../../.cache/bin');

/** The first of these programs on the PATH, among the system's own, or in the cache. */
export function findBinary(...names: readonly string[]): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', BINARY_CACHE];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // there is none: the next place is looked at
  }
}
