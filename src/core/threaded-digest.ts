import { hash } from 'node:crypto';
import { AssetError } from './errors.ts';
import { startThread, type Thread } from './thread.ts';

type Algorithm = 'sha256' | 'md5';

/** A digest that a thread of its own makes, of bytes in shared memory: others would be copied. */
export interface ThreadedDigest {
  /**
   * Resolves when the bytes have been taken in; until then they must stay as they are.
   * @throws AssetError UNAVAILABLE if the thread has ended; so does digest()
   */
  update(bytes: Uint8Array): Promise<unknown>;
  /** In lower-case hex, of all that was given. */
  digest(): Promise<string>;
  /** Always to be called at the end. */
  end(): void;
}

interface Question {
  id: number;
  algorithm: Algorithm;
  bytes?: Uint8Array;
  end?: 'digest' | 'drop';
}

interface Worker {
  thread: Thread<Question, string>;
  digests: number;
}

/** One verifies what is read while the other makes the checksums of what is sent. */
const MOST_THREADS = 2;
/** A thread takes some milliseconds to start and some MiB to keep. */
const IDLE_MILLISECONDS = 1000;

const workers: Worker[] = [];
let lastId = 0;
let resting: NodeJS.Timeout | undefined;

export function createThreadedDigest(algorithm: Algorithm): ThreadedDigest {
  lastId += 1;
  const id = lastId;
  const worker = leastBusy();
  let isOpen = true;
  worker.digests += 1;
  clearTimeout(resting);

  function ask(question: Pick<Question, 'bytes' | 'end'>): Promise<string> {
    const answer = worker.thread.ask({ id, algorithm, ...question }).catch((error: unknown) => {
      // The next digest gets another thread.
      discard(worker);
      throw ended(error);
    });
    // A failure is met by whoever waits.
    answer.catch(() => undefined);
    return answer;
  }

  /** Not before the answer has come: an idle thread is ended, and time may pass at once where a program was stopped. */
  function close(question: Pick<Question, 'end'>): Promise<string> {
    isOpen = false;
    const answer = ask(question);
    answer.then(leave, leave);
    return answer;
  }

  function leave(): void {
    worker.digests -= 1;
    if (workers.every(({ digests }) => digests === 0)) resting = setTimeout(endThreads, IDLE_MILLISECONDS).unref();
  }

  return {
    update: (bytes) => ask({ bytes }),
    digest: () => close({ end: 'digest' }),
    end() {
      if (isOpen) close({ end: 'drop' });
    },
  };
}

/** The digest, in lower-case hex, of bytes that stay as they are until it is there. */
export async function digestInThread(algorithm: Algorithm, bytes: Uint8Array): Promise<string> {
  const digest = createThreadedDigest(algorithm);
  try {
    digest.update(bytes);
    return await digest.digest();
  } catch {
    // They are all at hand: what no thread could do is done here.
    return hash(algorithm, bytes);
  } finally {
    digest.end();
  }
}

function leastBusy(): Worker {
  const [first] = workers.toSorted((a, b) => a.digests - b.digests);
  if (first !== undefined && (first.digests === 0 || workers.length === MOST_THREADS)) return first;
  const worker = { thread: startThread<Question, string>(PROGRAM), digests: 0 };
  workers.push(worker);
  return worker;
}

function ended(cause: unknown): AssetError {
  return new AssetError('UNAVAILABLE', 'The thread that makes checksums has ended', { hint: 'Try again.', cause });
}

function discard(broken: Worker): void {
  const place = workers.indexOf(broken);
  if (place !== -1) workers.splice(place, 1);
}

function endThreads(): void {
  for (const { thread } of workers.splice(0)) thread.end();
}

const PROGRAM = `
const { createHash } = require('node:crypto');
const { parentPort } = require('node:worker_threads');
const open = new Map();
parentPort.on('message', ({ id, algorithm, bytes, end }) => {
  if (end === 'drop') {
    open.delete(id);
    return parentPort.postMessage('');
  }
  const hash = open.get(id) ?? createHash(algorithm);
  open.set(id, hash);
  if (bytes !== undefined) hash.update(bytes);
  if (end === 'digest') open.delete(id);
  parentPort.postMessage(end === 'digest' ? hash.digest('hex') : '');
});
`;
