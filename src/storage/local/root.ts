import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeDirectories } from '../../core/make-directories.ts';
import { MARKER_KEY } from '../../core/marker-key.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import { StorageError } from '../storage-error.ts';
import { errorCode } from './errors.ts';

export const TEMPORARY_PREFIX = '.asset-cli-tmp-';
const DIRECTORY_MODE = 0o700;

// A directory that was just seen to be a real one is believed for this long: it keeps bulk work
// from looking at the same five directories ten thousand times.
export const BELIEVED_FOR_MILLISECONDS = 500;
const MOST_BELIEVED = 10_000;
const LARGEST_MARKER = 4096n;

/** A store's directory: turns keys into paths, and lets no symbolic link lead out of it. */
export class LocalRoot {
  readonly backend: string;
  readonly path: string;
  /** Directories with new subdirectories that are not known to be durable yet, by when they got one. */
  readonly unsynced = new Map<string, number>();
  /** One path on each file system that was written to, by device: a store may span mounts. */
  readonly devices = new Map<number, string>();
  readonly #believed = new Map<string, number>();
  #changes = 0;
  /** The marker as it was first seen: its text says whose store this is, size and time whether it has to be read. */
  #marker: { text: string; facts: string } | undefined;

  constructor(backend: string, path: string) {
    this.backend = backend;
    this.path = resolve(path);
  }

  /** The absolute path of a key, once every directory on the way is seen to be a real one. */
  locate(key: StorageKey): string {
    this.#refuseTemporaryName(key);
    this.enter(directoryOf(key));
    return this.#pathOf(key);
  }

  /** Like locate, and makes the directories that are missing, but never the root. */
  prepare(key: StorageKey): string {
    this.#refuseTemporaryName(key);
    this.#make(directoryOf(key));
    return this.#pathOf(key);
  }

  /** A key has nothing to be normalised, which `join` would do each time. */
  #pathOf(key: StorageKey): string {
    return `${this.path}/${key}`;
  }

  /**
   * Why this is not the directory that it was, looked at anew; undefined if it is. Under a program that runs on, a
   * disk may go and leave an empty directory, which must neither be filled nor believed.
   */
  absence(): string | undefined {
    const root = statSync(this.path, { throwIfNoEntry: false });
    if (root === undefined) return `the directory ${this.path} does not exist`;
    if (!root.isDirectory()) return `${this.path} is not a directory`;
    const seen = this.#lookAtMarker();
    this.#marker ??= seen;
    if (seen?.text === this.#marker?.text) {
      this.#marker = seen;
      return undefined;
    }
    return `the directory ${this.path} is not the one that it was: its marker is ${seen === undefined ? 'gone' : 'another'}`;
  }

  /** What was put or removed since the directory was last looked at was not, if the disk had gone by then. */
  confirm(): void {
    const absence = this.absence();
    if (absence !== undefined) throw this.#refusal('STORE_MISSING', absence);
  }

  /** The marker was just put here, or removed. */
  forgetMarker(): void {
    this.#marker = undefined;
  }

  #lookAtMarker(): { text: string; facts: string } | undefined {
    const path = join(this.path, MARKER_KEY);
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const facts = `${found.size}-${found.mtimeNs}`;
    if (facts === this.#marker?.facts) return this.#marker;
    // Copied back, or on a file system whose times are not exact: another time alone is no other store.
    const text = found.isFile() && found.size <= LARGEST_MARKER ? readFileSync(path, 'latin1') : facts;
    return { text, facts };
  }

  /** Checks a directory, relative to the root; throws ENOENT if it or the root is missing. */
  enter(directory: string): void {
    if (this.#isBelieved(directory)) return;
    if (directory === '') {
      this.#enterRoot();
      return;
    }
    this.enter(parentOf(directory));
    this.#requireRealDirectory(directory);
    this.#believe(directory);
  }

  #enterRoot(): void {
    this.devices.set(statSync(this.path).dev, this.path);
    this.confirm();
    // Until the marker is there, the next call looks for it.
    if (this.#marker !== undefined) this.#believe('');
  }

  /** Only the marker's put makes a missing root: an unmounted disk is never filled. */
  makeRoot(): void {
    this.forgetMarker();
    for (const made of this.#makeOutside()) this.#noteNewEntry(dirname(made));
    this.#noteNewEntry(dirname(this.path));
  }

  #makeOutside(): string[] {
    try {
      return makeDirectories(this.path, DIRECTORY_MODE);
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
      throw this.#refusal('STORE_MISSING', `the directory ${this.path} cannot be made: a file is in the way`);
    }
  }

  /** Whoever removed a directory may have removed those around it too, or the disk with all of them. */
  forget(directory: string): void {
    this.#believed.delete(directory);
    if (directory !== '') this.forget(parentOf(directory));
  }

  #make(directory: string): void {
    if (this.#isBelieved(directory)) return;
    if (directory === '') {
      this.enter('');
      return;
    }
    this.#make(parentOf(directory));
    const path = join(this.path, directory);
    try {
      mkdirSync(path, { mode: DIRECTORY_MODE });
      chmodSync(path, DIRECTORY_MODE);
      this.#noteNewEntry(join(this.path, parentOf(directory)));
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    this.#requireRealDirectory(directory);
    this.#believe(directory);
  }

  #noteNewEntry(directory: string): void {
    this.#changes += 1;
    this.unsynced.set(directory, this.#changes);
  }

  #requireRealDirectory(directory: string): void {
    const path = join(this.path, directory);
    const found = lstatSync(path);
    if (found.isSymbolicLink()) throw this.#refusal('DENIED', `${path} is a symbolic link; links are not followed`);
    if (!found.isDirectory())
      throw Object.assign(new Error(`${path} is a file`), { code: 'ENOTDIR', syscall: 'lstat' });
    if (!this.devices.has(found.dev)) this.devices.set(found.dev, path);
  }

  #isBelieved(directory: string): boolean {
    const since = this.#believed.get(directory);
    return since !== undefined && performance.now() - since < BELIEVED_FOR_MILLISECONDS;
  }

  #believe(directory: string): void {
    if (this.#believed.size >= MOST_BELIEVED) this.#believed.clear();
    this.#believed.set(directory, performance.now());
  }

  #refuseTemporaryName(key: string): void {
    if (!key.includes(TEMPORARY_PREFIX)) return;
    if (key.split('/').some(isTemporaryName)) throw this.#refusal('UNSUPPORTED', 'the key looks like a temporary file');
  }

  #refusal(kind: 'DENIED' | 'UNSUPPORTED' | 'STORE_MISSING', message: string): StorageError {
    return new StorageError(kind, message, { backend: this.backend });
  }
}

export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

/** The directory of a key or path relative to the root; empty for the root itself. */
export function directoryOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

const parentOf = directoryOf;
