import { setTimeout as sleep } from 'node:timers/promises';
import { atMost } from '../core/at-most.ts';
import type { BodySource } from '../core/body.ts';
import { AssetError } from '../core/errors.ts';
import {
  type ClamdAnswer,
  type ClamdJudgement,
  isVerdict,
  OVER_STREAM_LIMIT,
  readClamdAnswer,
} from './clamd-answer.ts';
import { askClamd, type ClamdAddress, type ClamdConnectionOptions, ClamdFault } from './clamd-connection.ts';
import { clamdSessions } from './clamd-sessions.ts';
import { announcement, command, type Instream, instream, instreamOfBytes, instreamOfZeros } from './instream.ts';
import { nestedZip } from './nested-zip.ts';
import type { Scanner, ScannerReport, ScannerVersion, ScanOptions, ScanVerdict } from './scanner.ts';
import { findLimit } from './stream-limit.ts';

export type { ClamdAddress } from './clamd-connection.ts';

export interface ClamdOptions {
  address: ClamdAddress;
  /** Milliseconds until a connection stands; default 10 s. */
  connectTimeout?: number;
  /** Milliseconds without any progress; default 180 s, more than clamd's own MaxScanTime. */
  responseTimeout?: number;
  /** Connections at once; clamd queues what exceeds its MaxThreads. Default 4. */
  connections?: number;
  /** How often a question is put in all; default 5. */
  attempts?: number;
  /** Milliseconds after which a question is not put again; default 60 s. */
  deadline?: number;
  /** Milliseconds before the first repetition, tripled each time, with jitter; default 250. */
  retryDelay?: number;
}

/** clamd may load new signatures at any time; a verdict may name an older database than it used, never a newer. */
const VERSION_LIFETIME = 60_000;
/** No MaxRecursion goes beyond 100 (libclamav's CLI_MAX_MAXREC). */
const BEYOND_RECURSION = 101;
/** So long a wait for "too large" counts as consent: clamd says nothing to a size that it accepts. */
const CONSENT_AFTER = 500;

/** A client of clamd's INSTREAM. Connections that wait for another content keep no process alive: there is nothing to close. */
export function createClamdScanner(options: ClamdOptions): Scanner {
  const connection: ClamdConnectionOptions = {
    address: options.address,
    connectTimeout: options.connectTimeout ?? 10_000,
    responseTimeout: options.responseTimeout ?? 180_000,
  };
  // What it knows by heart it answers at once, or it hangs.
  const promptly = { ...connection, responseTimeout: Math.min(connection.connectTimeout, connection.responseTimeout) };
  const sessions = clamdSessions(connection);
  const attempts = options.attempts ?? 5;
  const deadline = options.deadline ?? 60_000;
  const firstDelay = options.retryDelay ?? 250;
  const inTurn = atMost(options.connections ?? 4);
  const freshVersion = remember(VERSION_LIFETIME, askVersion);
  const reportsLimits = remember(VERSION_LIFETIME, askWhetherLimitsAreReported);
  let wasReached = false;

  function scan(body: BodySource, { signal, hasMargin }: ScanOptions = {}): Promise<ScanVerdict> {
    return inTurn(() => judge(instream(body, hasMargin), signal));
  }

  /** An OK is believed only if clamd would have said that it skipped something. */
  async function judge(content: Instream, signal: AbortSignal | undefined): Promise<ScanVerdict> {
    const { signatureVersion } = await freshVersion(signal);
    const answering = askForVerdict(content, content.size, signal);
    const { status, result } = await believed(answering, signal);
    return { status, result, signatureVersion, scannedAt: new Date() };
  }

  /** The limits are asked for beside the content, whose OK would wait for them; nothing else does, nor the program's end. */
  async function believed(answering: Promise<ClamdJudgement>, signal: AbortSignal | undefined): Promise<Finding> {
    let unneeded: AbortController | undefined;
    const limits = reportsLimits(signal, () => {
      unneeded = new AbortController();
      return unneeded.signal;
    });
    // Its failure is met where it is awaited, after an OK; nothing else needs it.
    if (limits instanceof Promise) limits.catch(() => undefined);
    try {
      const answer = await answering;
      const isDoubtful = answer.kind === 'clean' && !(await limits);
      return isDoubtful ? DOUBT : verdictOf(answer);
    } finally {
      unneeded?.abort(UNNEEDED);
    }
  }

  function askForVerdict(stream: Instream, size: number, signal: AbortSignal | undefined): Promise<ClamdJudgement> {
    return repeated(signal, () => askOnce(stream, size, signal));
  }

  async function askOnce(stream: Instream, size: number, signal: AbortSignal | undefined): Promise<ClamdJudgement> {
    try {
      const { answer, allSent } = await sessions.ask(stream, signal);
      return usable(answer, allSent);
    } catch (error) {
      // clamd hangs up on what is too large, and its word for it may be lost with the connection.
      if (isFault(error, 'cut') && !(await accepts(size, signal))) return OVER_STREAM_LIMIT;
      throw error;
    }
  }

  /** Announces content of a size without sending it: clamd checks the size at once. */
  async function accepts(size: number, signal: AbortSignal | undefined): Promise<boolean> {
    const patient = { ...connection, responseTimeout: Math.min(CONSENT_AFTER, connection.responseTimeout) };
    try {
      const text = await askClamd(patient, [announcement(size)], signal);
      return usable(readClamdAnswer(text), false).kind !== 'unexamined';
    } catch (error) {
      if (isFault(error, 'timeout')) return true;
      throw error;
    }
  }

  /** Lets it look at so many bytes: MaxFileSize and MaxScanSize it tells only then. */
  async function examines(size: number, signal: AbortSignal | undefined): Promise<boolean> {
    const answer = await askForVerdict(instreamOfZeros(size), size, signal);
    return answer.kind !== 'unexamined';
  }

  async function askWhetherLimitsAreReported(signal: AbortSignal | undefined): Promise<boolean> {
    const stream = instreamOfBytes(nestedZip(BEYOND_RECURSION));
    const answer = await askForVerdict(stream, stream.size, signal);
    return answer.kind === 'unexamined';
  }

  function askVersion(signal?: AbortSignal): Promise<ScannerVersion> {
    return repeated(signal, async () => {
      const text = await askClamd(promptly, [command('VERSION')], signal);
      const [engine = '', signatureVersion, ...date] = text.split('/');
      if (!/^ClamAV [\x21-\x7e]{1,60}$/.test(engine)) throw new ClamdFault('garbled', 'it does not answer like clamd');
      return {
        engine,
        signatureVersion:
          signatureVersion !== undefined && /^\d{1,10}$/.test(signatureVersion) ? signatureVersion : null,
        signatureDate: date.length === 0 ? null : date.join('/'),
      };
    });
  }

  async function inspect(largest: number, signal?: AbortSignal): Promise<ScannerReport> {
    const about = await askVersion(signal);
    const reportsExceededLimits = await askWhetherLimitsAreReported(signal);
    const streamLimit = await repeated(signal, () => findLimit(largest, (size) => accepts(size, signal)));
    if (!reportsExceededLimits) return { ...about, reportsExceededLimits, sizeLimit: streamLimit };
    const sizeLimit = await findLimit(streamLimit ?? largest, (size) => examines(size, signal));
    return { ...about, reportsExceededLimits, sizeLimit: sizeLimit ?? streamLimit };
  }

  /** Repeats what failed for want of an answer. Where clamd never was, it is not waited for. */
  async function repeated<T>(signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
    const end = performance.now() + deadline;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await ask();
        wasReached = true;
        return result;
      } catch (error) {
        if (!(error instanceof ClamdFault)) throw error;
        wasReached ||= error.kind !== 'unreachable';
        if (attempt < attempts && wasReached && performance.now() < end) {
          await pause(firstDelay * 3 ** (attempt - 1) * (0.5 + Math.random() / 2), signal);
          continue;
        }
        wasReached = false;
        throw unavailable(options.address, error);
      }
    }
  }

  return { scan, version: async (signal) => freshVersion(signal), inspect };
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  // Nothing but the abort can reject it.
  await sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

const UNNEEDED = new Error('nobody waits for the answer');

type Finding = Pick<ScanVerdict, 'status' | 'result'>;

/** Of any content: MaxFileSize may be less than every default, and archives are found inside of text and images as well. */
const DOUBT: Finding = {
  status: 'PENDING',
  result: 'perhaps not fully examined: AlertExceedsMax is off in clamd.conf',
};

function verdictOf(answer: ClamdJudgement): Finding {
  if (answer.kind === 'infected') return { status: 'INFECTED', result: answer.signature };
  if (answer.kind === 'unexamined') return { status: 'PENDING', result: answer.reason };
  return { status: 'CLEAN', result: null };
}

/** A verdict on content that clamd does not have yet is none. */
function usable(answer: ClamdAnswer, allSent: boolean): ClamdJudgement {
  if (answer.kind === 'garbled' || (isVerdict(answer) && !allSent)) {
    throw new ClamdFault('garbled', 'its answer makes no sense');
  }
  if (answer.kind === 'failure') throw new ClamdFault('refused', `it failed: ${answer.message}`);
  return answer;
}

function isFault(error: unknown, kind: ClamdFault['kind']): boolean {
  return error instanceof ClamdFault && error.kind === kind;
}

function unavailable(address: ClamdAddress, fault: ClamdFault): AssetError {
  const place = 'socket' in address ? address.socket : `${address.host}:${address.port}`;
  return new AssetError('SCANNER_UNAVAILABLE', `ClamAV at ${place} gave no usable answer: ${fault.message}`, {
    hint: 'Start clamd there, or set scan.clamd to where it listens; "asset-cli doctor" checks it.',
    details: { address: place, fault: fault.kind },
    cause: fault,
  });
}

interface Question<T> {
  answer: Promise<T>;
  signal: AbortSignal | undefined;
}

/**
 * Asks again only after the lifetime, once for all who want to know at a time. A failure is not remembered. By either
 * signal whoever asks stops to; of the others one asks again.
 */
function remember<T>(
  lifetime: number,
  ask: (signal?: AbortSignal) => Promise<T>,
): (signal: AbortSignal | undefined, other?: () => AbortSignal) => T | Promise<T> {
  let current: { since: number; value: T } | undefined;
  let question: Question<T> | undefined;

  async function askNow(signal: AbortSignal | undefined): Promise<T> {
    const since = performance.now();
    const value = await ask(signal);
    current = { since, value };
    return value;
  }

  function put(signal: AbortSignal | undefined): Question<T> {
    const answer = askNow(signal).finally(() => {
      question = undefined;
    });
    question = { answer, signal };
    return question;
  }

  async function askWithOthers(signal: AbortSignal | undefined): Promise<T> {
    for (;;) {
      const asked = question ?? put(signal);
      try {
        return await asked.answer;
      } catch (error) {
        // Another's wish to stop is not ours.
        if (asked.signal === signal || asked.signal?.aborted !== true) throw error;
        signal?.throwIfAborted();
      }
    }
  }

  return (signal, other) => {
    const isFresh = current !== undefined && performance.now() - current.since < lifetime;
    if (isFresh && current !== undefined) return current.value;
    const either = [signal, other?.()].filter((each) => each !== undefined);
    return askWithOthers(either.length > 1 ? AbortSignal.any(either) : either[0]);
  };
}
