import { hash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { createAssets } from '../../src/library/assets.ts';
import type { Assets } from '../../src/library/types.ts';
import type { OperationContext } from '../../src/operations/context.ts';
import { download } from '../../src/operations/download/download.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { memoryBody, sampleBytes } from '../support/bodies.ts';
import { openFreshS3, TIMEOUTS } from '../support/cloud-stores.ts';
import { describeWithService } from '../support/services/index.ts';
import { collect } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

/** More than all the memory that a backend lends to reads. */
const content = Buffer.concat([Buffer.from('%PDF-1.7\n'), sampleBytes(100 * 2 ** 20)]);
const sha256 = hash('sha256', content);

await describeWithService('s3', 'a large asset from a cloud store', (s3) => {
  let assets: Assets;
  let directory: string;
  let id: string;
  let context: OperationContext;

  beforeEach(async () => {
    const openStore = async () => withRetries(await openFreshS3(s3), TIMEOUTS);
    const work = await createWorkspace({ backends: ['s3'], openStore });
    directory = work.directory;
    context = work.context({ maxFileSize: 2 ** 30 });
    assets = createAssets(context, directory, async () => (await context.backends.open('s3')).close());
    await writeFile(join(directory, 'in.pdf'), content);
    id = (await assets.upload({ path: 'in.pdf' })).id;
    return () => assets.close();
  });

  test('comes whole as bytes', async () => {
    expect(hash('sha256', await assets.download(id))).toBe(sha256);
  });

  test('comes whole to a stream that keeps what it gets', async () => {
    const kept: Buffer[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        kept.push(chunk);
        done();
      },
    });
    await assets.download(id, { stream });
    expect(hash('sha256', Buffer.concat(kept))).toBe(sha256);
  });

  test('comes whole through a stream that is read later', async () => {
    const stream = new PassThrough({ highWaterMark: 2 * content.length });
    await assets.download(id, { stream });
    expect(hash('sha256', Buffer.concat(await stream.end().toArray()))).toBe(sha256);
  });

  test.each([
    { isAlone: true, mebibytes: 4 },
    { isAlone: false, mebibytes: 8 },
  ])('comes in pieces of $mebibytes MiB (alone: $isAlone)', async ({ isAlone, mebibytes }) => {
    const sizes: number[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        sizes.push(chunk.length);
        done();
      },
    });
    const target = { kind: 'stream' as const, stream, lends: true };
    const selection = { kind: 'ids' as const, ids: [id] };
    const outcomes = download(context, { selection, target, force: false, concurrency: 1, isAlone });
    expect(await collect(outcomes)).toMatchObject([{ kind: 'downloaded', bytes: content.length }]);
    expect(Math.max(...sizes)).toBe(mebibytes * 2 ** 20);
  });

  test.each([
    {
      isAlone: true,
      how: 'other bytes',
      bytes: Buffer.concat([content.subarray(0, -1), Buffer.from([255 - (content.at(-1) ?? 0)])]),
    },
    { isAlone: true, how: 'fewer bytes', bytes: content.subarray(0, -1) },
    { isAlone: true, how: 'more bytes', bytes: Buffer.concat([content, Buffer.from('x')]) },
    { isAlone: false, how: 'fewer bytes', bytes: content.subarray(0, -1) },
  ])('leaves no file of $how (alone: $isAlone)', async ({ isAlone, bytes }) => {
    const [{ object } = raise()] = await (await context.catalog()).assets.byIds(context.identity, [id]);
    const store = await context.backends.open('s3');
    await store.put(object.storagePath, memoryBody(bytes));
    const before = await readdir(directory);
    const target = { kind: 'file' as const, path: join(directory, 'out.pdf') };
    const selection = { kind: 'ids' as const, ids: [id] };
    const outcomes = download(context, { selection, target, force: false, concurrency: 1, isAlone });
    expect(await collect(outcomes)).toMatchObject([{ kind: 'failed', failure: { code: 'BYTES_DAMAGED' } }]);
    expect(await readdir(directory)).toEqual(before);
  });

  test('comes whole to a file', async () => {
    await assets.download(id, { path: 'out.pdf' });
    expect(hash('sha256', await readFile(join(directory, 'out.pdf')))).toBe(sha256);
  });
});

function raise(): never {
  throw new Error('no such asset');
}
