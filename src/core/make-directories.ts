import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and those around it that are missing; names what is new, outermost first. Not by Node's `recursive`,
 * which never ends in a directory that takes no new ones and says of them that they do not exist (/proc, autofs).
 */
export function makeDirectories(path: string, mode = 0o777): string[] {
  return make(path, mode, 'with those around it');
}

function make(path: string, mode: number, extent: 'alone' | 'with those around it'): string[] {
  try {
    mkdirSync(path, { mode });
    return [path];
  } catch (error) {
    // One that was missing a moment ago is as new as ours.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return extent === 'alone' ? [path] : [];
    if (extent === 'alone' || !isMissing(error) || dirname(path) === path) throw error;
    return [...makeDirectories(dirname(path), mode), ...make(path, mode, 'alone')];
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
