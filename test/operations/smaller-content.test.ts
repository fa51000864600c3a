import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import type { AssetWithObject } from '../../src/catalog/catalog.ts';
import { PLAIN_PROFILE } from '../../src/core/image-profile.ts';
import { download } from '../../src/operations/download/download.ts';
import { handoutName } from '../../src/operations/download/handout-name.ts';
import { chunksOf, readAsset } from '../../src/operations/download/read-asset.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { photograph } from '../support/images.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import type { Workspace } from '../support/workspace.ts';

const TEXT = 'a line of a report, and another\n'.repeat(100);

async function found(work: Workspace, id: string): Promise<AssetWithObject> {
  const [each] = await (await work.catalog()).assets.byIds(work.context().identity, [id]);
  if (each === undefined) throw new Error(`asset ${id} is gone`);
  return each;
}

async function contentOf(work: Workspace, id: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  await readAsset(work.context(), await found(work, id), async (body) => {
    for await (const chunk of chunksOf(body)) chunks.push(chunk);
  });
  return Buffer.concat(chunks);
}

async function upload(work: Workspace, path: string, changes: Parameters<typeof uploadPaths>[2] = {}) {
  const [outcome] = await uploadPaths(work.context(), [path], changes);
  return { asset: assetOf(outcome), deduplicated: outcome?.kind === 'uploaded' && outcome.deduplicated };
}

await describeEachDatabase('text at rest', ({ createWorkspace }) => {
  test.each([
    ['small', TEXT],
    ['larger than memory', 'one of many lines, each with its number: 0123456789\n'.repeat(60_000)],
  ])('that is %s is stored gzip-coded, and is the original everywhere else', async (_, text) => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'report.txt', text);
    const context = work.context({ maxFileSize: 2 ** 23 });
    const asset = assetOf((await uploadPaths(context, [path]))[0]);
    const { object } = await found(work, asset.id);
    const stored = await readFile(join(work.storage, asset.storagePath));
    expect(object).toMatchObject({ contentEncoding: 'gzip', storedSize: stored.length, size: text.length });
    expect(stored.length).toBeLessThan(text.length / 10);
    expect(gunzipSync(stored).toString()).toBe(text);
    expect(asset).toMatchObject({
      fileSize: text.length,
      fileHash: sha256(text),
      mimeType: 'text/plain',
      isProcessed: false,
    });
    expect((await contentOf(work, asset.id)).toString()).toBe(text);
    expect(await uploadPaths(context, [path])).toMatchObject([{ deduplicated: true }]);
  });

  test.each([
    ['small', 'x'.repeat(1024), {}],
    ['of a kind that hardly compresses', dense(3000), {}],
    ['uploaded with --no-compress', TEXT, { compress: false }],
  ])('that is %s is stored as it is', async (_, text, changes) => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'report.txt', text);
    const { asset } = await upload(work, path, changes);
    expect((await found(work, asset.id)).object).toMatchObject({
      contentEncoding: null,
      storedSize: Buffer.byteLength(text),
    });
    expect(await readFile(join(work.storage, asset.storagePath))).toEqual(Buffer.from(text));
  });

  test('is stored as it is where the configuration says so', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'report.txt', TEXT);
    const asset = assetOf((await uploadPaths(work.context({ content: { compress: false } }), [path]))[0]);
    expect((await found(work, asset.id)).object.contentEncoding).toBeNull();
  });

  test('large and hard to compress is not kept twice', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'noise.txt', dense(2_000_000));
    const context = work.context({ maxFileSize: 2 ** 23 });
    const asset = assetOf((await uploadPaths(context, [path]))[0]);
    expect((await stat(join(work.storage, asset.storagePath))).size).toBe(asset.fileSize);
    expect(sha256(await contentOf(work, asset.id))).toBe(asset.fileHash);
  });

  test.each([
    ['a bomb', () => gzipSync(Buffer.alloc(50_000_000))],
    ['no gzip at all', () => Buffer.from('plain')],
    ['cut off', () => gzipSync(TEXT).subarray(0, 40)],
    ['other text', () => gzipSync(TEXT.replace('line', 'LINE'))],
  ])('that was replaced by %s is damage, found without decoding more than was recorded', async (_, replaced) => {
    const work = await createWorkspace();
    const { asset } = await upload(work, await writeText(work.directory, 'report.txt', TEXT));
    await writeFile(join(work.storage, asset.storagePath), replaced());
    await expect(contentOf(work, asset.id)).rejects.toMatchObject({ code: 'BYTES_DAMAGED' });
  });

  test('whose file was only touched is recognised, and a changed one is replaced', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'report.txt', TEXT);
    const { asset } = await upload(work, path);
    const stored = join(work.storage, asset.storagePath);
    const bytes = await readFile(stored);
    await writeFile(stored, bytes);
    expect((await upload(work, path)).deduplicated).toBe(true);
    await writeFile(stored, Buffer.from(bytes).fill(0x20, 20, 30));
    expect((await upload(work, path)).deduplicated).toBe(false);
    expect((await contentOf(work, asset.id)).toString()).toBe(TEXT);
  });
});

await describeEachDatabase('an image', ({ createWorkspace }) => {
  test('of a type without a profile comes back as it went in', async () => {
    const work = await createWorkspace();
    const photo = await photograph(300, 200);
    const path = join(work.directory, 'shot.jpg');
    await writeFile(path, photo);
    const { asset } = await upload(work, path, { assetType: 'SEO_REPORT' });
    expect(asset).toMatchObject({ isProcessed: false, fileHash: sha256(photo) });
  });

  test('of an avatar is stored transformed, and known again without being decoded', async () => {
    const work = await createWorkspace();
    const photo = await photograph(800, 600);
    const path = join(work.directory, 'me.jpg');
    await writeFile(path, photo);
    const { asset } = await upload(work, path, { assetType: 'USER_AVATAR' });
    expect(asset).toMatchObject({ isProcessed: true, mimeType: 'image/jpeg' });
    expect(asset.fileHash).not.toBe(sha256(photo));
    expect(sha256(await contentOf(work, asset.id))).toBe(asset.fileHash);

    const images = await import('../../src/content/images/transform-image.ts');
    const decoding = vi.spyOn(images, 'transformImage');
    const second = await upload(work, path, { assetType: 'USER_AVATAR' });
    expect(second.asset).toMatchObject({ fileHash: asset.fileHash, storagePath: asset.storagePath, isProcessed: true });
    expect(second.deduplicated).toBe(true);
    expect(decoding).not.toHaveBeenCalled();
    const skipped = await uploadPaths(work.context(), [path], { assetType: 'USER_AVATAR', skipExisting: true });
    expect(skipped).toMatchObject([{ kind: 'existing', asset: { id: asset.id } }]);

    const other = new Map([['USER_AVATAR', { ...PLAIN_PROFILE, maxWidth: 100 }]]);
    const smaller = assetOf(
      (await uploadPaths(work.context({ content: { images: other } }), [path], { assetType: 'USER_AVATAR' }))[0],
    );
    expect(smaller.fileSize).toBeLessThan(asset.fileSize);
  });

  test.each([
    ['public, twice', true, true],
    ['public after private', false, true],
    ['private after public', true, false],
  ])('of an avatar that is %s is not decoded again either', async (_, first, second) => {
    const work = await createWorkspace();
    const path = join(work.directory, 'me.jpg');
    await writeFile(path, await photograph(800, 600));
    const { asset } = await upload(work, path, { assetType: 'USER_AVATAR', isPublic: first });
    const images = await import('../../src/content/images/transform-image.ts');
    const decoding = vi.spyOn(images, 'transformImage');
    const again = await upload(work, path, { assetType: 'USER_AVATAR', isPublic: second });
    expect(decoding).not.toHaveBeenCalled();
    const { fileHash, mimeType } = asset;
    expect(again).toMatchObject({ deduplicated: false, asset: { fileHash, mimeType, isProcessed: true } });
    expect(again.asset.storagePath).not.toBe(asset.storagePath);
    expect(sha256(await contentOf(work, again.asset.id))).toBe(fileHash);

    await writeFile(join(work.storage, asset.storagePath), 'damaged');
    await writeFile(join(work.storage, again.asset.storagePath), 'damaged');
    const third = await upload(work, path, { assetType: 'USER_AVATAR', isPublic: true });
    expect(decoding).toHaveBeenCalledOnce();
    expect(sha256(await contentOf(work, third.asset.id))).toBe(fileHash);
  });

  test('that is best as it came is known to be so under every profile, and in every backend', async () => {
    const work = await createWorkspace({ backends: ['local', 'far'] });
    const path = join(work.directory, 'me.jpg');
    await writeFile(path, await photograph(300, 200, { withMetadata: false, quality: 60 }));
    const decoding = vi.spyOn(await import('../../src/content/images/transform-image.ts'), 'transformImage');
    for (const assetType of ['USER_AVATAR', 'PROJECT_LOGO']) {
      expect((await upload(work, path, { assetType })).asset.isProcessed).toBe(false);
    }
    expect(decoding).toHaveBeenCalledTimes(2);
    for (const assetType of ['USER_AVATAR', 'PROJECT_LOGO']) {
      const again = await upload(work, path, { assetType });
      expect(again).toMatchObject({ deduplicated: true, asset: { isProcessed: false, assetType } });
      const far = await upload(work, path, { assetType, backend: 'far', isPublic: true });
      expect(sha256(await contentOf(work, far.asset.id))).toBe(again.asset.fileHash);
    }
    expect(decoding).toHaveBeenCalledTimes(2);
  });

  test('of which two originals became the same is known by both, and decoded where what became of it is not', async () => {
    const work = await createWorkspace({ backends: ['local', 'far'] });
    const bare = await photograph(800, 600, { withMetadata: false });
    const paths = await Promise.all(
      ['one', 'two'].map((name) => writeText(work.directory, `${name}.jpg`, withComment(bare, name))),
    );
    const decoding = vi.spyOn(await import('../../src/content/images/transform-image.ts'), 'transformImage');
    const store = async (backend: string) =>
      (await uploadPaths(work.context(), paths, { assetType: 'USER_AVATAR', backend })).map(assetOf);
    const first = await store('local');
    expect(new Set(first.map(({ fileHash }) => fileHash)).size).toBe(1);
    expect(decoding).toHaveBeenCalledTimes(2);
    expect((await store('local')).map(({ fileHash }) => fileHash)).toEqual(first.map(({ fileHash }) => fileHash));
    expect(decoding).toHaveBeenCalledTimes(2);
    await store('far');
    expect(decoding).toHaveBeenCalledTimes(4);
    await store('far');
    expect(decoding).toHaveBeenCalledTimes(4);
  });

  test('that comes twice in one run is decoded once, and a broken one is refused under each of its names', async () => {
    const work = await createWorkspace();
    const write = (name: string, bytes: Buffer) => writeText(work.directory, name, bytes);
    const photo = await photograph(800, 600);
    const small = await photograph(300, 200, { withMetadata: false, quality: 60 });
    const paths = await Promise.all([
      ...['one.jpg', 'two.jpg', 'three.jpg'].map((name) => write(name, photo)),
      ...['four.jpg', 'five.jpg'].map((name) => write(name, small)),
    ]);
    const decoding = vi.spyOn(await import('../../src/content/images/transform-image.ts'), 'transformImage');
    const results = (await uploadPaths(work.context(), paths, { assetType: 'USER_AVATAR' })).map(assetOf);
    expect(decoding).toHaveBeenCalledTimes(2);
    expect(new Set(results.map(({ fileHash }) => fileHash)).size).toBe(2);
    for (const { id, fileHash } of results) expect(sha256(await contentOf(work, id))).toBe(fileHash);

    const broken = photo.subarray(0, photo.length / 2);
    const refused = await uploadPaths(
      work.context(),
      await Promise.all(['six.jpg', 'seven.jpg'].map((name) => write(name, broken))),
      { assetType: 'USER_AVATAR' },
    );
    const messages = refused.map((result) => (result.kind === 'failed' ? result.failure.message : ''));
    expect(messages).toEqual([expect.stringContaining('six.jpg'), expect.stringContaining('seven.jpg')]);
  });

  test('is forgotten with its last asset', async () => {
    const work = await createWorkspace();
    const path = join(work.directory, 'me.jpg');
    await writeFile(path, await photograph(300, 200, { withMetadata: false, quality: 60 }));
    const { asset } = await upload(work, path, { assetType: 'USER_AVATAR' });
    await collect(deleteAssets(work.context(), { selection: { kind: 'ids', ids: [asset.id] }, dryRun: false }));
    const decoding = vi.spyOn(await import('../../src/content/images/transform-image.ts'), 'transformImage');
    await upload(work, path, { assetType: 'USER_AVATAR' });
    expect(decoding).toHaveBeenCalledOnce();
  });

  test('that was known is made anew when its stored copy went meanwhile', async () => {
    const work = await createWorkspace();
    const path = join(work.directory, 'me.jpg');
    await writeFile(path, await photograph(800, 600));
    const { asset } = await upload(work, path, { assetType: 'USER_AVATAR' });
    const { object } = await found(work, asset.id);
    const known = { kind: 'stored' as const, object, mimeType: asset.mimeType };
    await collect(deleteAssets(work.context(), { selection: { kind: 'ids', ids: [asset.id] }, dryRun: false }));
    const catalog = await work.catalog();
    vi.spyOn(catalog.assets, 'knownResult').mockResolvedValue(known);
    const again = await upload(work, path, { assetType: 'USER_AVATAR' });
    expect(again).toMatchObject({ deduplicated: false, asset: { fileHash: asset.fileHash, isProcessed: true } });
    expect(sha256(await contentOf(work, again.asset.id))).toBe(asset.fileHash);
    expect(await work.storedFiles()).toHaveLength(1);
  });

  test('is stored as it came with --no-optimize, even one that could not be read', async () => {
    const work = await createWorkspace();
    const path = join(work.directory, 'cut.jpg');
    const cut = (await photograph(300, 200)).subarray(0, 5000);
    await writeFile(path, cut);
    expect(await uploadPaths(work.context(), [path], { assetType: 'USER_AVATAR' })).toMatchObject([
      { kind: 'failed', failure: { code: 'TYPE_MISMATCH' } },
    ]);
    const { asset } = await upload(work, path, { assetType: 'USER_AVATAR', optimize: false });
    expect(asset).toMatchObject({ isProcessed: false, fileHash: sha256(cut) });
  });

  test('of another format than its name says is handed out under a name that fits', async () => {
    const work = await createWorkspace();
    const images = new Map([['USER_AVATAR', { ...PLAIN_PROFILE, format: 'webp' as const }]]);
    const context = work.context({ content: { images } });
    const path = join(work.directory, 'my.photo.JPG');
    await writeFile(path, await photograph(300, 200));
    const asset = assetOf((await uploadPaths(context, [path], { assetType: 'USER_AVATAR' }))[0]);
    expect(asset).toMatchObject({
      originalFilename: 'my.photo.JPG',
      mimeType: 'image/webp',
      filename: expect.stringMatching(/\.webp$/),
    });
    const selection = { kind: 'ids' as const, ids: [asset.id] };
    const target = { kind: 'directory' as const, path: join(work.directory, 'out') };
    const downloaded = await collect(download(work.context(), { selection, target, force: false, concurrency: 1 }));
    expect(downloaded).toMatchObject([{ path: join(target.path, 'my.photo.webp') }]);
    // What came out goes in again.
    const again = await uploadPaths(work.context(), [join(target.path, 'my.photo.webp')]);
    expect(again).toMatchObject([{ asset: { fileHash: asset.fileHash } }]);
    for (const name of ['photo.webp', 'photo', 'photo.of.ada']) {
      expect(handoutName({ ...asset, originalFilename: name })).toBe(name);
    }
    expect(handoutName({ ...asset, isProcessed: false })).toBe('my.photo.JPG');
  });

  test('comes out in the order of the sources, however long each takes', async () => {
    const work = await createWorkspace();
    const paths = await Promise.all(
      [900, 20, 600, 30, 25].map(async (width, index) => {
        const path = join(work.directory, `${index}.jpg`);
        await writeFile(path, await photograph(width, 20 + index));
        return path;
      }),
    );
    const outcomes = await uploadPaths(work.context(), paths, { assetType: 'PROJECT_LOGO' });
    expect(outcomes.map((outcome) => outcome.source)).toEqual(paths);
  });
});

await describeEachDatabase('a public asset behind a CDN', ({ createWorkspace }) => {
  const content = { cdnDomains: new Map([['local', 'cdn.example.com/files']]) };

  test('has an address there, with what browsers need to know, for a short time', async () => {
    const work = await createWorkspace();
    const puts: unknown[] = [];
    const context = work.context({
      content,
      wrapStore: (store) => ({
        ...store,
        put: (key, body, options) => {
          puts.push({ key, ...options });
          return store.put(key, body, options);
        },
      }),
    });
    const path = await writeText(work.directory, 'what we do.txt', 'text');
    const asset = assetOf((await uploadPaths(context, [path], { isPublic: true }))[0]);
    expect(asset.cdnUrl).toBe(`https://cdn.example.com/files/${asset.storagePath}`);
    expect(puts.at(-1)).toMatchObject({
      key: asset.storagePath,
      contentType: 'text/plain',
      cacheControl: 'public, max-age=3600',
      contentDisposition: `inline; filename="what we do.txt"; filename*=UTF-8''what%20we%20do.txt`,
    });
  });

  test('is the only kind that has one', async () => {
    const work = await createWorkspace();
    const path = await writeText(work.directory, 'a.txt', 'text');
    const hidden = assetOf((await uploadPaths(work.context({ content }), [path]))[0]);
    const elsewhere = assetOf((await uploadPaths(work.context(), [path], { isPublic: true }))[0]);
    expect([hidden.cdnUrl, elsewhere.cdnUrl]).toEqual([null, null]);
  });
});

/** UTF-16 text of so many bytes without any pattern, always the same: hardly any text is so dense. */
function dense(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, index) =>
    createHash('sha512').update(`${index}`).digest(),
  );
  const bytes = Buffer.concat(blocks).subarray(0, length);
  // Neither NUL nor half a surrogate pair.
  for (let at = 1; at < length; at += 2) bytes[at] = ((bytes[at] ?? 0) % 0xd7) + 1;
  bytes.set([0xff, 0xfe]);
  return bytes;
}

/** The same picture in another file. */
function withComment(jpeg: Buffer, comment: string): Buffer {
  const segment = Buffer.from([0xff, 0xfe, 0, comment.length + 2, ...Buffer.from(comment)]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
