import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Assets, type OpenAssetsOptions, openAssets } from '../../src/index.ts';
import { collect } from '../support/uploads.ts';
import { temporaryDirectory } from '../support/workspace.ts';

interface Library {
  directory: string;
  environment: Record<string, string>;
  open(changes?: OpenAssetsOptions): Promise<Assets>;
}

async function createLibrary(): Promise<Library> {
  const directory = await temporaryDirectory();
  const environment = { HOME: directory, ASSET_CLI_HOME: join(directory, 'data') };
  return {
    directory,
    environment,
    async open(changes) {
      const assets = await openAssets({ directory, environment, user: 'ada', ...changes });
      onTestFinished(() => assets.close());
      return assets;
    },
  };
}

describe('the library', () => {
  test('saves what a program made as an asset without a user', async () => {
    const { open } = await createLibrary();
    const assets = await open();
    const saved = await assets.saveGeneratedAsset({
      assetType: 'LLM_TXT',
      projectId: 'p1',
      scanResultId: 's1',
      content: 'text',
    });
    expect(saved).toMatchObject({
      userId: null,
      projectId: 'p1',
      scanResultId: 's1',
      assetType: 'LLM_TXT',
      fileSize: 4,
    });
    expect(saved.originalFilename).toMatch(/^llm_txt_\d{8}_\d{6}\.txt$/);
    const [listed] = await collect(assets.list({ projectId: 'p1' }));
    expect(listed?.id).toBe(saved.id);
  });

  test.each([
    ['text', () => 'äß\n'],
    ['bytes', () => Buffer.from('äß\n')],
    ['a stream', () => new PassThrough().end('äß\n')],
    ['an iterable of text', () => pieces('ä', 'ß\n')],
  ])('takes content as %s', async (_, content) => {
    const { open } = await createLibrary();
    const assets = await open();
    const { id } = await assets.upload({ content: content(), filename: 'a.txt' });
    expect((await assets.download(id)).toString()).toBe('äß\n');
  });

  test('reads and writes files that count from its directory, and replaces none unasked', async () => {
    const { open, directory } = await createLibrary();
    const assets = await open();
    await writeFile(join(directory, 'in.txt'), 'content');
    const { id } = await assets.upload({ path: 'in.txt', filename: 'other.txt' }, { tags: { a: 'b' } });
    await expect(assets.download(id, { path: 'in.txt' })).rejects.toMatchObject({ code: 'TARGET_EXISTS' });
    await assets.download(id, { path: 'in.txt', overwrite: true });
    expect(await assets.download(id, { path: 'out.txt' })).toEqual({ id, path: join(directory, 'out.txt'), bytes: 7 });
    expect(await readFile(join(directory, 'out.txt'), 'utf8')).toBe('content');
    const [listed] = await collect(assets.list({ tags: { a: 'b' }, limit: 1 }));
    expect(listed?.originalFilename).toBe('other.txt');
  });

  test('tells why a stream that it writes to failed', async () => {
    const { open } = await createLibrary();
    const assets = await open();
    const { id } = await assets.upload({ content: 'line\n'.repeat(100_000), filename: 'a.txt' });
    const stream = new Writable({
      write: (_chunk, _encoding, done) => done(new Error('the peer hung up')),
    }).on('error', () => undefined);
    await expect(assets.download(id, { stream })).rejects.toMatchObject({ message: 'the peer hung up' });
  });

  test('rejects with the code and the hint of the command line', async () => {
    const { open } = await createLibrary();
    const assets = await open();
    await expect(assets.upload({ content: '', filename: 'a.txt' })).rejects.toMatchObject({ code: 'FILE_EMPTY' });
    await expect(assets.upload({ content: 'x', filename: 'a.txt' }, { assetType: 'NONE' })).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('SEO_REPORT'),
    });
    await expect(assets.delete('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      code: 'ASSET_NOT_FOUND',
    });
    await expect(openAssets({ database: 'mysql://x', environment: {} })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test.each<[string, (assets: Untyped) => unknown, RegExp, RegExp?]>([
    ['nothing to save', (assets) => assets.saveGeneratedAsset(), /takes an object/, /assetType/],
    ['no content to save', (assets) => assets.saveGeneratedAsset({ assetType: 'LLM_TXT' }), /needs "content"/],
    ['nothing to upload', (assets) => assets.upload(), /either \{ path \}/, /neither/],
    ['a path and content', (assets) => assets.upload({ path: 'a', content: 'b', filename: 'c' }), /either/, /both/],
    ['content without a name', (assets) => assets.upload({ content: 'b' }), /needs "filename"/],
    ['a number as content', (assets) => assets.upload({ content: 7, filename: 'c' }), /text, bytes or a stream/],
    ['a misspelt option', (assets) => assets.upload({ path: 'a' }, { assettype: 'X' }), /"assettype"/, /"assetType"/],
    ['tags that are none', (assets) => assets.upload({ path: 'a' }, { tags: { a: 1 } }), /object of text/],
    ['no id', (assets) => assets.download(), /download needs the id/],
    ['two targets', (assets) => assets.download('00000000', { path: 'a', stream: new PassThrough() }), /either/],
    ['an unknown filter', (assets) => collect(assets.list({ type: 'X' })), /"type"/, /Valid: .*assetType/],
    ['a limit below 1', (assets) => collect(assets.list({ limit: -1 })), /"limit" .* at least 1/],
    ['no filter at all', (assets) => collect(assets.list(null)), /takes an object/],
    ['an order by nothing', (assets) => collect(assets.list({ sort: { descending: true } })), /needs "field"/],
    ['no id to sign', (assets) => assets.sign(undefined), /sign needs the id/],
    ['a life of minus one', (assets) => assets.sign('00000000', { expiresIn: -1 }), /seconds above 0/],
    ['half a character', (assets) => assets.sign('00000000', { downloadAs: '\ud800.txt' }), /not valid Unicode/],
    ['no id to delete', (assets) => assets.delete(), /delete needs the id/],
    ['no id to publish', (assets) => assets.publish({}), /publish needs the id/],
  ])('says what is wrong with its arguments: %s', async (_, call, message, hint = /./) => {
    const { open } = await createLibrary();
    const assets = (await open()) as unknown as Untyped;
    await expect(Promise.resolve().then(() => call(assets))).rejects.toMatchObject({
      name: 'AssetError',
      code: 'USAGE',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    await assets.close();
  });

  test.each<[string, unknown, RegExp]>([
    ['an option that does not exist', { databse: 'sqlite:x' }, /openAssets knows no "databse"/],
    ['no object', null, /takes an object/],
    ['a number as directory', { directory: 5 }, /"directory" must be text/],
    ['an unknown role', { role: 'king' }, /"role" must be one of member, admin, operator/],
  ])('opens nothing with %s', async (_, options, message) => {
    const opening = (openAssets as (options: unknown) => Promise<unknown>)(options);
    await expect(opening).rejects.toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) });
  });

  test('works on many things at once, and close waits for them', async () => {
    const { open } = await createLibrary();
    const assets = await open();
    const names = Array.from({ length: 20 }, (_, index) => `${index}.txt`);
    const uploads = Promise.all(names.map((filename) => assets.upload({ content: filename, filename })));
    await assets.close();
    await assets.close();
    expect(new Set((await uploads).map(({ id }) => id)).size).toBe(20);
    await expect(assets.upload({ content: 'x', filename: 'a.txt' })).rejects.toThrow('closed');
    expect(await collect((await open()).list())).toHaveLength(20);
  });

  test('takes up its work again after the store was away', async () => {
    const { open, directory } = await createLibrary();
    await writeFile(join(directory, 'data'), 'in the way');
    const assets = await open({ database: `sqlite:${join(directory, 'assets.db')}` });
    await expect(assets.upload({ content: 'x', filename: 'a.txt' })).rejects.toThrow();
    await rm(join(directory, 'data'));
    expect(await assets.upload({ content: 'x', filename: 'a.txt' })).toMatchObject({ fileSize: 1 });
  });

  test('publishes an asset and takes it back', async () => {
    const { open, environment } = await createLibrary();
    const assets = await open({ environment: { ...environment, CDN_DOMAIN: 'cdn.example.com' } });
    const { id } = await assets.upload({ content: 'for all', filename: 'a.txt' });
    const shown = await assets.publish(id.slice(0, 8));
    expect(shown).toMatchObject({ id, isPublic: true, cdnUrl: `https://cdn.example.com/${shown.storagePath}` });
    expect(await assets.publish(id)).toEqual(shown);
    expect(await assets.unpublish(id)).toMatchObject({ id, isPublic: false, cdnUrl: null });
    expect((await assets.download(id)).toString()).toBe('for all');
    await expect(assets.publish('00000000')).rejects.toMatchObject({ code: 'ASSET_NOT_FOUND' });
  });

  test('stops taking work when its signal aborts', async () => {
    const { open } = await createLibrary();
    const stop = new AbortController();
    const assets = await open({ signal: stop.signal });
    stop.abort();
    await expect(assets.upload({ content: 'x', filename: 'a.txt' })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('tells warnings to whoever asks for them, and prints nothing', async () => {
    const { open, directory } = await createLibrary();
    const printed = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    await writeFile(join(directory, 'asset-cli.config.yaml'), 'database: sqlite:./other.db\n', { mode: 0o600 });
    const warnings: string[] = [];
    const assets = await open({ onWarning: (message) => warnings.push(message) });
    await assets.upload({ content: 'x', filename: 'a.txt' });
    expect(warnings.join()).toContain('asset-cli.config.yaml');
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });
});

/** As a program without types sees it. */
type Untyped = { [Method in keyof Assets]: (...given: unknown[]) => ReturnType<Assets[Method]> };

async function* pieces(...parts: string[]): AsyncGenerator<string> {
  yield* parts;
}
