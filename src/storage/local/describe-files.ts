import fs from 'node:fs';
import { startThread, type Thread } from '../../core/thread.ts';
import { createPacer } from '../pacer.ts';

export interface FilesToDescribe {
  root: string;
  /** Relative to the root, with NULs between: one text is handed over much faster than many. */
  paths: string;
}

export interface FilesDescribed {
  /** Of each that is a file, and of no other: its path, its size and its ETag, as in ListedStretch. */
  text: string;
  count: number;
  /** What the first file that cannot be looked at was refused with; those behind it are not described. */
  failure?: { code: string; syscall: string; message: string };
}

export interface FileDescriber {
  describe(files: FilesToDescribe): Promise<FilesDescribed>;
  /** How many questions are worth asking before the first is answered. */
  ahead(): number;
  end(): Promise<void>;
}

/** Names nothing that is outside of it: the thread is given its text. */
function describeFiles({ lstatSync }: Pick<typeof fs, 'lstatSync'>, { root, paths }: FilesToDescribe): FilesDescribed {
  const lines: string[] = [];
  try {
    for (const path of paths.split('\0')) {
      const stats = lstatSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined || !stats.isFile()) continue;
      const size = String(stats.size);
      lines.push(`${path}\n${size} ${size}-${stats.mtimeNs}\n`);
    }
  } catch (error) {
    const { code, syscall, message } = Object(error);
    return { text: lines.join(''), count: lines.length, failure: { code, syscall, message } };
  }
  return { text: lines.join(''), count: lines.length };
}

const THREAD = `
const fs = require('node:fs');
const { parentPort } = require('node:worker_threads');
const describeFiles = ${describeFiles};
parentPort.on('message', (files) => parentPort.postMessage(describeFiles(fs, files)));
`;
/** Calls before that take no longer than starting the thread. */
const BULK = 10;
/** Fewer, and one of both is often idle where they have to wait for a processor; many more, and memory grows. */
const ANSWERS_AHEAD = 16;
/** MiB: each look leaves more than a KiB behind, and in less they take longer to collect than to make. */
const YOUNG_GENERATION = 8;

/** In bulk a thread of its own looks at the files, while the caller is busy with those before. */
export function createFileDescriber(): FileDescriber {
  const pace = createPacer();
  let thread: Thread<FilesToDescribe, FilesDescribed> | undefined;
  let calls = 0;

  async function describeHere({ root, paths }: FilesToDescribe): Promise<FilesDescribed> {
    const described: FilesDescribed = { text: '', count: 0 };
    for (const path of paths.split('\0')) {
      const pause = pace();
      if (pause !== undefined) await pause;
      const { text, count, failure } = describeFiles(fs, { root, paths: path });
      described.text += text;
      described.count += count;
      if (failure !== undefined) return { ...described, failure };
    }
    return described;
  }

  return {
    describe(files) {
      calls += 1;
      if (calls <= BULK) return describeHere(files);
      thread ??= startThread(THREAD, YOUNG_GENERATION);
      return thread.ask(files);
    },
    ahead: () => (thread === undefined ? 1 : ANSWERS_AHEAD),
    async end() {
      await thread?.end();
    },
  };
}
