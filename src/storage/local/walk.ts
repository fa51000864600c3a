import { lstatSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStorageKey, type StorageKey } from '../../core/storage-key.ts';
import type { AbandonedUpload, ListedStretch, ListOptions, StoredObject } from '../backend.ts';
import { createPacer } from '../pacer.ts';
import { createFileDescriber, type FilesDescribed } from './describe-files.ts';
import { errorCode } from './errors.ts';
import { findFiles } from './find-files.ts';
import type { LocalRoot } from './root.ts';
import { describeFile } from './stat.ts';

const FILES_AT_ONCE = 500;

/** Objects in byte order of their whole keys. */
export async function* listObjects(
  root: LocalRoot,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<StoredObject> {
  for await (const stretch of listStretches(root, prefix, options)) {
    for (const object of stretch.objects()) {
      options.signal?.throwIfAborted();
      yield object;
    }
  }
}

/** The names of the next files are read here, while a thread looks at those before, and the caller has earlier ones. */
export async function* listStretches(
  root: LocalRoot,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<ListedStretch> {
  const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (!isWalkable(root, top)) return;
  const files = findFiles({ root: root.path, top, prefix, startAfter, temporary: false });
  const describer = createFileDescriber();
  const pace = createPacer();
  const asked: Asked[] = [];
  let isLast = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      while (!isLast && asked.length < describer.ahead()) {
        const { paths, failure } = await findNext(files, pace);
        const answer = describer.describe({ root: root.path, paths: joinPaths(paths) });
        // A failure is met at its own turn; until then it must not count as unhandled.
        answer.catch(() => undefined);
        asked.push({ answer, last: paths.at(-1), foundNoMore: failure });
        isLast = paths.length < FILES_AT_ONCE;
      }
      const next = asked.shift();
      if (next === undefined) break;
      const { text, count, failure } = await next.answer;
      const last = failure === undefined ? next.last : text.split('\n').at(-3);
      if (last !== undefined) yield { text, count, last, objects: () => objectsIn(text) };
      if (failure !== undefined) throw Object.assign(new Error(failure.message), failure);
      if (next.foundNoMore !== undefined) throw next.foundNoMore;
    }
    // A disk that goes leaves no more to be found, which is not the end of what it holds.
    root.confirm();
  } finally {
    await describer.end();
  }
}

interface Asked {
  answer: Promise<FilesDescribed>;
  last: string | undefined;
  /** Why there are no more to ask for, if that is a failure. */
  foundNoMore: unknown;
}

interface Found {
  paths: readonly string[];
  /** Why there are no more. */
  failure?: unknown;
}

async function findNext(files: Iterator<string>, pace: () => Promise<void> | undefined): Promise<Found> {
  const paths: string[] = [];
  try {
    while (paths.length < FILES_AT_ONCE) {
      const pause = pace();
      if (pause !== undefined) await pause;
      const { value: path, done } = files.next();
      if (done === true) break;
      paths.push(path);
    }
    return { paths };
  } catch (failure) {
    return { paths, failure };
  }
}

/** Without those that no key can be: a line break is what ends one in the text of a stretch. */
function joinPaths(paths: readonly string[]): string {
  const text = paths.join('\0');
  return text.includes('\n') ? paths.filter((path) => !path.includes('\n')).join('\0') : text;
}

function objectsIn(text: string): StoredObject[] {
  const lines = text.split('\n');
  const objects: StoredObject[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const key = asKey(lines[at] ?? '');
    const [size = '', etag = ''] = (lines[at + 1] ?? '').split(' ');
    const mtimeNs = etag.slice(size.length + 1);
    const facts = { size: Number(size), mtimeMs: Number(mtimeNs.slice(0, -6)), mtimeNs };
    if (key !== undefined) objects.push(describeFile(key, facts));
  }
  return objects;
}

/** Temporary files that an interrupted put left behind. */
export async function* listTemporaryFiles(root: LocalRoot, olderThan: Date): AsyncGenerator<AbandonedUpload> {
  for (const path of findFiles({ root: root.path, top: '', prefix: '', startAfter: undefined, temporary: true })) {
    const stats = lstatSync(join(root.path, path), { throwIfNoEntry: false });
    if (stats === undefined || stats.mtimeMs >= olderThan.getTime()) continue;
    yield {
      id: path,
      key: path,
      startedAt: stats.mtime,
      discard: () => unlink(join(root.path, path)),
    };
  }
}

/** Whether the directory that a prefix names is there; a missing root rejects. */
function isWalkable(root: LocalRoot, top: string): boolean {
  root.enter('');
  try {
    if (top.split('/').some((segment) => segment === '.' || segment === '..')) return false;
    root.enter(top.replace(/\/$/, ''));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Undefined for a name that no key can have. */
function asKey(path: string): StorageKey | undefined {
  try {
    return parseStorageKey(path);
  } catch {
    return undefined;
  }
}
