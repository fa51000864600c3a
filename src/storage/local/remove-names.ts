import fs from 'node:fs';
import { Worker } from 'node:worker_threads';

export interface NamesToRemove {
  call: 'unlink' | 'rmdir';
  paths: readonly string[];
}

/** Of each path, in order: undefined if it was removed, else the system's error code. */
export type RemovalCodes = readonly (string | undefined)[];

export interface NameRemover {
  remove(names: NamesToRemove): Promise<RemovalCodes>;
  end(): Promise<void>;
}

/** Names nothing that is outside of it: the thread is given its text. */
function removeNames(
  { unlinkSync, rmdirSync }: Pick<typeof fs, 'unlinkSync' | 'rmdirSync'>,
  { call, paths }: NamesToRemove,
): RemovalCodes {
  const remove = call === 'unlink' ? unlinkSync : rmdirSync;
  return paths.map((path) => {
    try {
      remove(path);
      return undefined;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  });
}

/** As text, because the program is a bundle of chunks and the tests run the sources: neither has a file for it. */
const THREAD = `
const fs = require('node:fs');
const { parentPort } = require('node:worker_threads');
const removeNames = ${removeNames};
parentPort.on('message', (names) => parentPort.postMessage(removeNames(fs, names)));
`;
/** Below that, starting the thread takes longer than it saves. */
const BULK = 200;

/**
 * In bulk a thread of its own removes the names, so that the disk is busy while the catalog holds the program. It does
 * not outlive the program, nor keep it alive.
 */
export function createNameRemover(): NameRemover {
  let thread: NameRemover | undefined;
  return {
    async remove(names) {
      if (thread === undefined && names.paths.length < BULK) return removeNames(fs, names);
      thread ??= startThread();
      return thread.remove(names);
    },
    async end() {
      await thread?.end();
      thread = undefined;
    },
  };
}

function startThread(): NameRemover {
  const worker = new Worker(THREAD, { eval: true, resourceLimits: { maxYoungGenerationSizeMb: 2 } });
  const waiting: { resolve: (codes: RemovalCodes) => void; reject: (error: unknown) => void }[] = [];
  let broken: Error | undefined;

  function fail(error: Error): void {
    broken ??= error;
    for (const { reject } of waiting.splice(0)) reject(broken);
  }

  worker.unref();
  // Answers come in the order of the questions.
  worker.on('message', (codes: RemovalCodes) => {
    waiting.shift()?.resolve(codes);
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the thread that removes files has ended')));
  return {
    remove(names) {
      if (broken !== undefined) return Promise.reject(broken);
      worker.ref();
      worker.postMessage(names);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
      });
    },
    async end() {
      await worker.terminate();
    },
  };
}
