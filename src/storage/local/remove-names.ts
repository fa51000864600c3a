import fs from 'node:fs';
import { startThread, type Thread } from '../../core/thread.ts';

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

const THREAD = `
const fs = require('node:fs');
const { parentPort } = require('node:worker_threads');
const removeNames = ${removeNames};
parentPort.on('message', (names) => parentPort.postMessage(removeNames(fs, names)));
`;
/** Below that, starting the thread takes longer than it saves. */
const BULK = 200;

/** In bulk a thread of its own removes the names, so that the disk is busy while the catalog holds the program. */
export function createNameRemover(): NameRemover {
  let thread: Thread<NamesToRemove, RemovalCodes> | undefined;
  return {
    async remove(names) {
      if (thread === undefined && names.paths.length < BULK) return removeNames(fs, names);
      thread ??= startThread(THREAD);
      return thread.ask(names);
    },
    async end() {
      await thread?.end();
      thread = undefined;
    },
  };
}
