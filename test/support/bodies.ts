import { createCipheriv, createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { BodySource } from '../../src/core/body.ts';

const CHUNK = 64 * 1024;

/** Bytes without a pattern, the same at every call. */
export function sampleBytes(size: number, seed = 1): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(size));
}

export function memoryBody(content: Buffer | string): BodySource {
  const bytes = Buffer.from(content);
  return { size: bytes.length, bytes, open: () => chunksOf(bytes) };
}

/** As a file would come: in chunks, not held in memory as a whole. */
export function streamBody(bytes: Buffer, size = bytes.length): BodySource {
  return { size, open: () => chunksOf(bytes) };
}

/** Gives `before` bytes, then fails, once what was given has had time to arrive. */
export function failingBody(size: number, before: number, error: Error): BodySource {
  async function* open(): AsyncGenerator<Uint8Array> {
    yield* chunksOf(sampleBytes(before));
    await setTimeout(200);
    throw error;
  }
  return { size, open };
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += CHUNK) yield bytes.subarray(start, start + CHUNK);
}

export async function readAll(body: Readable): Promise<Buffer> {
  return Buffer.concat(await body.toArray());
}

export function digest(algorithm: 'sha256' | 'md5', bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

export async function collect<T>(items: AsyncIterable<T> | undefined): Promise<T[]> {
  if (items === undefined) return [];
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
