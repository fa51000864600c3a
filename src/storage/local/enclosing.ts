import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MARKER_KEY } from '../../core/marker-key.ts';
import { errorCode } from './errors.ts';

/** The path of the marker of a store that this directory, which need not exist yet, lies in. */
export function findEnclosingMarker(root: string): string | undefined {
  let directory = realParent(root);
  for (;;) {
    const marker = join(directory, MARKER_KEY);
    if (existsSync(marker)) return marker;
    const parent = dirname(directory);
    if (parent === directory) return undefined;
    directory = parent;
  }
}

/** The parent of where a directory really is: the root itself may be a symbolic link. */
function realParent(root: string): string {
  try {
    return dirname(realpathSync(root));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const parent = dirname(root);
  try {
    return realpathSync(parent);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return realParent(parent);
  }
}
