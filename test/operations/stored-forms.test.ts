import { get } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { chunksOf, readAsset } from '../../src/operations/download/read-asset.ts';
import { sign } from '../../src/operations/download/sign.ts';
import { openBackend } from '../../src/storage/open.ts';
import { TIMEOUTS } from '../support/cloud-stores.ts';
import { describeEachStore } from '../support/store-homes.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

const TEXT = 'a line of a report, and another\n'.repeat(200);

await describeEachStore('text at rest', ({ provider, fresh }) => {
  test('is coded where it is asked for, read back whole, and sign says what its URL answers', async () => {
    const work = await createWorkspace();
    const store = await openBackend(await fresh('kept'), TIMEOUTS);
    onTestFinished(() => store.close());
    const context = work.context({ content: { compress: true }, wrapStore: () => store });
    const path = await writeText(work.directory, 'report.txt', TEXT);
    const asset = assetOf((await uploadPaths(context, [path], { backend: 'kept' }))[0]);
    const [found] = await (await work.catalog()).assets.byIds(context.identity, [asset.id]);
    if (found === undefined) throw new Error('the asset is gone');
    expect(found.object).toMatchObject({ contentEncoding: 'gzip', size: TEXT.length });
    expect(found.object.storedSize).toBeLessThan(TEXT.length / 10);
    const chunks: Uint8Array[] = [];
    await readAsset(context, found, async (body) => {
      for await (const chunk of chunksOf(body)) chunks.push(chunk);
    });
    expect(Buffer.concat(chunks).toString()).toBe(TEXT);
    expect(await uploadPaths(context, [path], { backend: 'kept' })).toMatchObject([{ deduplicated: true }]);
    if (!store.features.signs) return;
    const request = { ids: [asset.id], expiresIn: 60, inline: false, noCdn: false };
    const [signed] = await collect(sign(context, request));
    if (signed?.kind !== 'signed') throw new Error('it was not signed');
    const decodes = provider === 'GOOGLE_CLOUD_STORAGE';
    expect(signed.contentEncoding).toBe(decodes ? null : 'gzip');
    if (decodes) return;
    const answer = await fetchRaw(signed.url);
    expect(answer.encoding).toBe('gzip');
    expect(gunzipSync(answer.body).toString()).toBe(TEXT);
  });

  test('is coded by itself only where every reader gets the original', async () => {
    const work = await createWorkspace();
    const store = await openBackend(await fresh('kept'), TIMEOUTS);
    onTestFinished(() => store.close());
    const context = work.context({ wrapStore: () => store });
    const path = await writeText(work.directory, 'report.txt', TEXT);
    const asset = assetOf((await uploadPaths(context, [path], { backend: 'kept' }))[0]);
    const stored = await store.stat(asset.storagePath as Parameters<typeof store.stat>[0]);
    const coded = provider === 'LOCAL' || provider === 'GOOGLE_CLOUD_STORAGE';
    expect(stored.size < TEXT.length).toBe(coded);
  });
});

function fetchRaw(url: string): Promise<{ encoding: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) });
      });
    }).on('error', reject);
  });
}
