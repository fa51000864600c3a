import { giveBack, isLent } from '../core/lent-memory.ts';
import type { GuardedBody } from './guarded-body.ts';

const MEBIBYTE = 1024 * 1024;
const STANDARD_PART = 8 * MEBIBYTE;
const MOST_AT_ONCE = 4;

export interface Part {
  /** From 1. */
  number: number;
  offset: number;
  bytes: Uint8Array;
}

/** Turns and buffers for parts, shared by all puts of a backend: the memory that uploads may take, whatever their number. */
export interface PartPool {
  /** Waits for a turn, for a part that has memory already. */
  enter(): Promise<void>;
  leave(): void;
  /** Waits for a turn, and for a buffer of at least that size. */
  acquire(size: number): Promise<Buffer>;
  release(buffer: Buffer): void;
}

export function createPartPool(): PartPool {
  const free: Buffer[] = [];
  const waiting: (() => void)[] = [];
  let inUse = 0;

  async function enter(): Promise<void> {
    if (inUse >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else inUse += 1;
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) inUse -= 1;
    else next();
  }

  async function acquire(size: number): Promise<Buffer> {
    await enter();
    // Reused: fresh memory of this size is paged in anew each time, and nothing tells the collector of shared memory.
    const place = free.findIndex((buffer) => buffer.length >= size);
    const [large] = place === -1 ? [] : free.splice(place, 1);
    if (large !== undefined) return large;
    // The new one takes the place of one that is too small.
    free.pop();
    return shared(Math.max(size, STANDARD_PART));
  }

  function release(buffer: Buffer): void {
    free.push(buffer);
    leave();
  }

  return { enter, leave, acquire, release };
}

/** Threads make the checksums of parts. */
function shared(size: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(size));
}

/** 8 MiB, or more if the provider's number of parts would not do. */
export function partSizeFor(size: number, mostParts: number): number {
  const needed = Math.ceil(size / mostParts / MEBIBYTE) * MEBIBYTE;
  return Math.max(STANDARD_PART, needed);
}

export function isOnePart(size: number): boolean {
  return size <= STANDARD_PART;
}

/** The whole of a body of at most one part, in memory while `use` runs. */
export async function withWholeBody<T>(
  body: GuardedBody,
  pool: PartPool,
  use: (bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  if (body.bytes !== undefined) return use(body.bytes);
  const buffer = await pool.acquire(body.size);
  try {
    let filled = 0;
    for await (const chunk of body.chunks()) {
      buffer.set(chunk, filled);
      filled += chunk.byteLength;
      giveBack(chunk);
    }
    return await use(buffer.subarray(0, filled));
  } finally {
    pool.release(buffer);
  }
}

export interface PartReading {
  body: GuardedBody;
  pool: PartPool;
  partSize: number;
}

export interface PartSending<T> extends PartReading {
  signal: AbortSignal | undefined;
  /** Sends one part; the signal ends it when another part has failed. */
  send(part: Part, signal: AbortSignal): Promise<T>;
}

/**
 * Reads a body part by part and sends as many at once as there are buffers. The first failure ends
 * reading and the other parts; it is thrown when all of them have come to rest.
 * @returns what each part's sending gave, in order
 */
export async function sendParts<T>(sending: PartSending<T>): Promise<T[]> {
  const stop = new AbortController();
  const signal = sending.signal === undefined ? stop.signal : AbortSignal.any([sending.signal, stop.signal]);
  const results: Promise<T>[] = [];
  try {
    for await (const { part, done } of readParts(sending)) {
      if (signal.aborted) {
        done();
        break;
      }
      const sent = sending.send(part, signal).finally(done);
      sent.catch((error: unknown) => stop.abort(error));
      results.push(sent);
    }
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(results);
    throw error;
  }
  await Promise.allSettled(results);
  sending.signal?.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  return Promise.all(results);
}

/** Parts in order; each is valid until its `done` is called. */
export async function* readParts(reading: PartReading): AsyncGenerator<{ part: Part; done: () => void }> {
  const { body, pool, partSize } = reading;
  let number = 0;
  let buffer: Buffer | undefined;
  let filled = 0;
  let offset = 0;

  function takePart(full: Buffer): { part: Part; done: () => void } {
    number += 1;
    const part = { number, offset, bytes: full.subarray(0, filled) };
    offset += filled;
    filled = 0;
    buffer = undefined;
    return { part, done: () => pool.release(full) };
  }

  /** Sent from where it was read to. */
  function isPart(chunk: Uint8Array): boolean {
    const isWhole = chunk.byteLength === partSize || offset + chunk.byteLength === body.size;
    return buffer === undefined && isWhole && isLent(chunk);
  }

  async function takeLent(bytes: Uint8Array): Promise<{ part: Part; done: () => void }> {
    await pool.enter();
    number += 1;
    const part = { number, offset, bytes };
    offset += bytes.byteLength;
    const done = () => {
      giveBack(bytes);
      pool.leave();
    };
    return { part, done };
  }

  try {
    for await (const chunk of body.chunks()) {
      if (isPart(chunk)) {
        yield takeLent(chunk);
        continue;
      }
      let rest = chunk;
      while (rest.byteLength > 0) {
        buffer ??= await pool.acquire(partSize);
        const taken = rest.subarray(0, partSize - filled);
        buffer.set(taken, filled);
        filled += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        if (filled === partSize) yield takePart(buffer);
      }
      giveBack(chunk);
    }
    if (buffer !== undefined) yield takePart(buffer);
  } finally {
    if (buffer !== undefined) pool.release(buffer);
  }
}
