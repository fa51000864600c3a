import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createThreadedDigest, digestInThread } from '../../src/core/threaded-digest.ts';

const urlOf = (path: string) => pathToFileURL(resolve(import.meta.dirname, '../..', path)).href;

function shared(bytes: Buffer): Buffer {
  const memory = Buffer.from(new SharedArrayBuffer(bytes.byteLength));
  bytes.copy(memory);
  return memory;
}

/** No type allows it: a thread that is given it throws, which is how one is brought to its end here. */
const NOTHING_TO_DIGEST = 1 as unknown as Uint8Array;

/** Leaves a digest unfinished, counts its threads, and waits for nothing. */
const PROGRAM = `(async () => {
  const { createThreadedDigest, digestInThread } = await import(process.argv[1]);
  const { readdirSync } = await import('node:fs');
  const count = () => readdirSync('/proc/self/task').length;
  const before = count();
  console.log(await digestInThread('md5', Buffer.from('abc')));
  const left = createThreadedDigest('sha256');
  await left.update(Buffer.from('abc'));
  console.log(count() > before);
  left.end();
  for (let tries = 0; count() > before && tries < 200; tries += 1) await new Promise((go) => setTimeout(go, 50));
  console.log(count() > before);
  createThreadedDigest('sha256').update(Buffer.from('abc'));
})()`;

describe('a digest in a thread', () => {
  it('is that of all that was given, however many are made at once', async () => {
    const contents = Array.from({ length: 8 }, () => Array.from({ length: 5 }, () => shared(randomBytes(100_000))));
    const digests = contents.map(async (parts, index) => {
      const algorithm = index % 2 === 0 ? 'sha256' : 'md5';
      const digest = createThreadedDigest(algorithm);
      for (const part of parts) await digest.update(part);
      const hex = await digest.digest();
      digest.end();
      return hex === hash(algorithm, Buffer.concat(parts));
    });
    expect(await Promise.all(digests)).toEqual(contents.map(() => true));
  });

  it('is that of nothing, too', async () => {
    expect(await createThreadedDigest('sha256').digest()).toBe(hash('sha256', ''));
  });

  it('is there after the program stood still for longer than an idle thread lives', async () => {
    const bytes = shared(randomBytes(100_000));
    const digest = createThreadedDigest('sha256');
    await digest.update(bytes);
    // What follows an immediate are timers, and only then the thread's answer.
    await nextTurn();
    const hex = digest.digest();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    expect(await hex).toBe(hash('sha256', bytes));
  });

  it('fails where its thread does, in a way that says to try again, and the next one does not', async () => {
    await expect(createThreadedDigest('sha256').update(NOTHING_TO_DIGEST)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(await digestInThread('sha256', shared(Buffer.from('abc')))).toBe(hash('sha256', 'abc'));
  });

  it('of bytes that are all at hand is made without a thread where that fails', async () => {
    const bytes = shared(Buffer.from('abc'));
    const [one, two] = [createThreadedDigest('sha256'), createThreadedDigest('sha256')];
    const failures = [one, two].map((digest) => digest.update(NOTHING_TO_DIGEST));
    expect(await digestInThread('sha256', bytes)).toBe(hash('sha256', bytes));
    await expect(Promise.all(failures)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(digestInThread('sha256', NOTHING_TO_DIGEST)).rejects.toThrow(TypeError);
  });

  it.skipIf(process.platform !== 'linux')('ends its thread when it is idle, and keeps no program alive', () => {
    const args = ['--import', urlOf('scripts/run-typescript.mjs'), '-e', PROGRAM, urlOf('src/core/threaded-digest.ts')];
    const printed = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
    expect(printed).toBe(`${hash('md5', 'abc')}\ntrue\nfalse\n`);
  });
});
