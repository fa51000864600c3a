import { readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Spool } from '../../../src/content/reading/spool.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function heldBytes(): number {
  collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  readSync(fd, bytes, 0, size, 0);
  return bytes;
}

test('content in tiny pieces takes little more memory than its bytes', async () => {
  const spool = new Spool(tmpdir());
  const before = heldBytes();
  // A piece is a view of all that came with it: 50 MB would be held, and the objects that describe them.
  for (let count = 0; count < 50_000; count += 1) await spool.append(Buffer.alloc(1024, count).subarray(0, 1));
  expect(heldBytes() - before).toBeLessThan(15_000_000);
  const bytes = spool.takeMemory();
  expect(bytes.byteLength).toBe(50_000);
  expect(bytes.every((byte, index) => byte === index % 256)).toBe(true);
});

test('what comes in pieces of any size is what is in memory or in the file', async () => {
  for (const largest of [0, 1000, 10 ** 6]) {
    const spool = new Spool(tmpdir(), largest);
    const pieces = Array.from({ length: 2000 }, (_, index) => Buffer.alloc(index % 7, index));
    for (const piece of pieces) await spool.append(piece);
    await spool.end();
    const { fd } = spool;
    const stored = fd === undefined ? spool.takeMemory() : readAll(fd, spool.size);
    expect(Buffer.compare(stored, Buffer.concat(pieces))).toBe(0);
    spool.discard();
  }
});
