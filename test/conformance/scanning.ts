import { hash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { BodySource } from '../../src/core/body.ts';
import { AssetError } from '../../src/core/errors.ts';
import { MARKER_KEY } from '../../src/core/marker-key.ts';
import { keyInPlace, parseStorageKey } from '../../src/core/storage-key.ts';
import { restoreAssets } from '../../src/operations/changes/trash.ts';
import type { OperationContext } from '../../src/operations/context.ts';
import { type DownloadOutcome, download } from '../../src/operations/download/download.ts';
import { sign } from '../../src/operations/download/sign.ts';
import { moveBytes } from '../../src/operations/moving/move-bytes.ts';
import { deleteAssets } from '../../src/operations/removal/delete.ts';
import { purgeExpired } from '../../src/operations/removal/purge-expired.ts';
import { scanAssets } from '../../src/operations/scan/scan.ts';
import type { ScanOutcome, ScanRequest } from '../../src/operations/scan/scan-run.ts';
import { planUpload } from '../../src/operations/upload/plan-upload.ts';
import type { UploadOutcome } from '../../src/operations/upload/upload-request.ts';
import { findSources } from '../../src/operations/upload/upload-sources.ts';
import { createClamdScanner } from '../../src/scan/clamd.ts';
import type { Scanner, ScanOptions } from '../../src/scan/scanner.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { hashSignature, type OwnClamd, startOwnClamd } from '../support/own-clamd.ts';
import { EICAR } from '../support/services/clamd.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import type { ContextChanges, Workspace } from '../support/workspace.ts';

export interface ScanningSuite {
  /** A catalog and a store of a test's own. */
  create(): Promise<Workspace>;
}

const SIGNATURE = 'Eicar-Test-Signature.UNOFFICIAL';
const MEBIBYTE = 2 ** 20;

type Mode = OperationContext['scanning']['mode'];
type FilterWish = Partial<Extract<ScanRequest['selection'], { kind: 'filter' }>>;

/** Virus scanning from upload to release, over one database and one kind of store, with a real clamd. */
export function describeScanning(name: string, suite: ScanningSuite): void {
  describe(`virus scanning on ${name}`, () => {
    let clamd: OwnClamd;
    beforeAll(async () => {
      clamd = await startOwnClamd({ StreamMaxLength: '1M' });
    });
    afterAll(() => clamd?.stop());

    const real = () => createClamdScanner({ address: { host: clamd.host, port: clamd.port }, retryDelay: 10 });
    const scanning = (mode: Mode, scanner: Scanner = real()) => ({
      mode,
      expected: true,
      scanner: async () => scanner,
    });
    const put = async (
      work: Workspace,
      content: string,
      mode: Mode,
      changes: Parameters<typeof uploadPaths>[2] = {},
    ) => {
      const path = await writeText(work.directory, `${randomUUID()}.txt`, content);
      return tryPut(work, path, { scanning: scanning(mode) }, changes);
    };
    const tryPut = async (
      work: Workspace,
      path: string,
      context: ContextChanges,
      changes: Parameters<typeof uploadPaths>[2] = {},
    ): Promise<UploadOutcome> => {
      const made = work.context(context);
      const [outcome] = await uploadPaths(made, [path], { backend: made.backends.defaultName, ...changes });
      if (outcome === undefined) throw new Error('nothing came of the upload');
      return outcome;
    };
    const scan = (work: Workspace, wish: FilterWish = {}, changes: ContextChanges = {}, request = {}) =>
      collect(
        scanAssets(work.context({ scanning: scanning('auto'), ...changes }), {
          selection: {
            kind: 'filter',
            scope: { organization: 'acme' },
            filter: { status: 'any', expired: 'include' },
            which: 'pending',
            everything: true,
            ...wish,
          },
          onInfected: 'quarantine',
          concurrency: 4,
          ...request,
        }),
      );
    const keys = async (work: Workspace): Promise<string[]> => {
      const context = work.context();
      const store = await context.backends.open(context.backends.defaultName);
      const found = await collect(store.list(''));
      return found.map(({ key }) => key as string).filter((key) => key !== '.asset-cli.json');
    };
    const asset = async (work: Workspace, id: string) => {
      const [found] = await (await work.catalog()).assets.byIds(work.context().identity, [id]);
      return found?.asset;
    };
    const fetchIt = (work: Workspace, id: string, changes: ContextChanges = {}): Promise<DownloadOutcome[]> => {
      const target = { kind: 'directory' as const, path: `${work.directory}/${randomUUID()}` };
      const selection = { kind: 'ids' as const, ids: [id] };
      return collect(download(work.context(changes), { selection, target, force: false, concurrency: 1 }));
    };
    const events = async (work: Workspace, action: string) =>
      (await (await work.catalog()).audit.page({ allOrganizations: true }, { action }, 500)).events;

    const remove = (work: Workspace, id: string) =>
      collect(deleteAssets(work.context(), { selection: { kind: 'ids', ids: [id] }, dryRun: false }));

    /** Does something once, before the first asset's bytes are read. */
    const beforeReading = (act: () => Promise<unknown>): ContextChanges => {
      let done: Promise<unknown> | undefined;
      return {
        wrapStore: (store) => ({
          ...store,
          async get(key, options) {
            if (key !== MARKER_KEY) {
              done ??= act();
              await done;
            }
            return store.get(key, options);
          },
        }),
      };
    };

    /** The same pixels each time, in a file of its own. */
    const picture = async (work: Workspace, copyright: string): Promise<string> => {
      const path = join(work.directory, `${copyright}.jpg`);
      await sharp({ create: { width: 64, height: 64, channels: 3, background: '#777' } })
        .withExif({ IFD0: { Copyright: copyright } })
        .jpeg()
        .toFile(path);
      return path;
    };

    describe('uploads', () => {
      test('store what is clean with its verdict, and refuse what is infected, by its signature', async () => {
        const work = await suite.create();
        const clean = assetOf(await put(work, 'harmless', 'required'));
        expect(clean).toMatchObject({ virusScanStatus: 'CLEAN', virusScanResult: null });
        const [uploaded] = await events(work, 'uploaded');
        expect(uploaded?.details).toMatchObject({ scanStatus: 'CLEAN', signatureVersion: '27001' });
        const refused = await put(work, EICAR, 'auto');
        expect(refused).toMatchObject({ failure: { code: 'VIRUS_FOUND', signature: SIGNATURE } });
        expect(JSON.stringify(refused)).toContain(`is infected: ${SIGNATURE}`);
        const [refusal] = (await events(work, 'uploaded')).filter(({ outcome }) => outcome === 'refused');
        expect(refusal?.details).toMatchObject({ code: 'VIRUS_FOUND', signature: SIGNATURE });
        expect(await keys(work)).toEqual([clean.storagePath]);
      });

      test('see in an image what its transformation leaves out', async () => {
        const work = await suite.create();
        const path = await picture(work, 'nobody');
        const knowing = await startOwnClamd({}, [hashSignature('Bad-Picture', path)]);
        onTestFinished(() => knowing.stop());
        const scanner = createClamdScanner({ address: { host: knowing.host, port: knowing.port } });
        const avatar = { assetType: 'USER_AVATAR' };
        const refused = await tryPut(work, path, { scanning: scanning('required', scanner) }, avatar);
        expect(refused).toMatchObject({ failure: { code: 'VIRUS_FOUND', signature: 'Bad-Picture.UNOFFICIAL' } });
        expect(await keys(work)).toEqual([]);
      });

      test('keep the verdict on an image apart from that on what another image becomes as well', async () => {
        const work = await suite.create();
        const [evil, innocent, later] = [
          await picture(work, 'evil'),
          await picture(work, 'innocent'),
          await picture(work, 'later'),
        ];
        const knowing = await startOwnClamd({}, [hashSignature('Bad-Picture', evil)]);
        onTestFinished(() => knowing.stop());
        const scanner = createClamdScanner({ address: { host: knowing.host, port: knowing.port } });
        const avatar = { assetType: 'USER_AVATAR' };
        const upload = (path: string, mode: Mode) => tryPut(work, path, { scanning: scanning(mode, scanner) }, avatar);
        const first = assetOf(await upload(innocent, 'off'));
        expect(first).toMatchObject({ isProcessed: true, virusScanStatus: 'PENDING' });
        expect(await upload(evil, 'required')).toMatchObject({ failure: { code: 'VIRUS_FOUND' } });
        expect(await asset(work, first.id)).toMatchObject({ virusScanStatus: 'PENDING', status: 'active' });
        // By now the result is known as clean: what it is made of is judged all the same.
        const second = assetOf(await upload(later, 'required'));
        expect(second).toMatchObject({ fileHash: first.fileHash, virusScanStatus: 'CLEAN' });
        expect(await upload(evil, 'required')).toMatchObject({ failure: { code: 'VIRUS_FOUND' } });
        expect(await upload(evil, 'off')).toMatchObject({ failure: { code: 'VIRUS_FOUND' } });
      });

      test('judge what came in although its result is known as clean', async () => {
        const work = await suite.create();
        const [innocent, evil] = [await picture(work, 'innocent'), await picture(work, 'evil')];
        const knowing = await startOwnClamd({}, [hashSignature('Bad-Picture', evil)]);
        onTestFinished(() => knowing.stop());
        const scanner = createClamdScanner({ address: { host: knowing.host, port: knowing.port } });
        const upload = (path: string) =>
          tryPut(work, path, { scanning: scanning('required', scanner) }, { assetType: 'USER_AVATAR' });
        expect(assetOf(await upload(innocent)).virusScanStatus).toBe('CLEAN');
        expect(await upload(evil)).toMatchObject({ failure: { code: 'VIRUS_FOUND' } });
      });

      test('know in every mode what was found infected before, also in a dry run', async () => {
        const work = await suite.create();
        await put(work, EICAR, 'required');
        const path = await writeText(work.directory, 'again.txt', EICAR);
        expect(await tryPut(work, path, { scanning: scanning('off') })).toMatchObject({
          failure: { code: 'VIRUS_FOUND', signature: SIGNATURE },
        });
        expect(await tryPut(work, path, { scanning: scanning('off') }, { isPublic: true })).toMatchObject({
          failure: { code: 'VIRUS_FOUND' },
        });
        const context = work.context({ scanning: scanning('off') });
        const request = { backend: context.backends.defaultName, assetType: 'SEO_REPORT', projectId: null };
        const plan = planUpload(context, {
          ...request,
          sources: findSources([path], { include: [], exclude: [] }),
          scanResultId: null,
          isPublic: false,
          tags: {},
          skipExisting: false,
          optimize: true,
          compress: true,
          concurrency: 1,
        });
        expect(await collect(plan)).toMatchObject([{ kind: 'failed', failure: { code: 'VIRUS_FOUND' } }]);
        expect(await keys(work)).toEqual([]);
        const other = await tryPut(work, path, { scanning: scanning('off'), identity: { organization: 'umbrella' } });
        expect(other).toMatchObject({ kind: 'uploaded' });
      });

      test('do not ask twice for one content', async () => {
        const work = await suite.create();
        const { scanner, asked } = counting(real());
        const path = await writeText(work.directory, 'same.txt', 'the same');
        const twin = await writeText(work.directory, 'twin.txt', 'the same');
        const context = { scanning: scanning('required', scanner) };
        const made = work.context(context);
        await uploadPaths(made, [path, twin], { backend: made.backends.defaultName });
        const third = assetOf(await tryPut(work, path, context));
        expect(third.virusScanStatus).toBe('CLEAN');
        expect(asked()).toBe(1);
      });

      test('without a scanner: PENDING, said once; nothing where a verdict is required', async () => {
        const work = await suite.create();
        const away = createClamdScanner({ address: { host: '127.0.0.1', port: 1 } });
        const paths = await Promise.all(
          ['one', 'two', 'three'].map((content) => writeText(work.directory, `${content}.txt`, content)),
        );
        const refused = await tryPut(work, paths[0] ?? '', { scanning: scanning('required', away) });
        expect(refused).toMatchObject({ failure: { code: 'SCANNER_UNAVAILABLE' } });
        expect(await keys(work)).toEqual([]);
        const context = work.context({ scanning: scanning('auto', away) });
        const outcomes = await uploadPaths(context, paths, { backend: context.backends.defaultName });
        expect(outcomes.map((outcome) => assetOf(outcome).virusScanStatus)).toEqual(['PENDING', 'PENDING', 'PENDING']);
        expect(work.warnings).toEqual([expect.stringContaining('stored as PENDING')]);
      });

      test('what was not fully examined stays PENDING with the reason, or is refused', async () => {
        const work = await suite.create();
        const path = await writeText(work.directory, 'large.txt', 'x'.repeat(2 * MEBIBYTE));
        const large = { maxFileSize: 4 * MEBIBYTE };
        const refused = await tryPut(work, path, { ...large, scanning: scanning('required') });
        expect(refused).toMatchObject({ failure: { code: 'NOT_SCANNABLE' } });
        const stored = assetOf(await tryPut(work, path, { ...large, scanning: scanning('auto') }));
        expect(stored).toMatchObject({ virusScanStatus: 'PENDING' });
        expect(stored.virusScanResult).toContain('StreamMaxLength');
        const [again] = await scan(work);
        expect(again).toMatchObject({ verdict: { status: 'PENDING' }, assetIds: [stored.id] });
      });

      test('that find a virus in what others have stored unscanned quarantine that', async () => {
        const work = await suite.create();
        const earlier = assetOf(await put(work, EICAR, 'off'));
        expect(earlier.virusScanStatus).toBe('PENDING');
        expect(await put(work, EICAR, 'auto')).toMatchObject({ failure: { code: 'VIRUS_FOUND' } });
        expect(await asset(work, earlier.id)).toMatchObject({ status: 'quarantined', virusScanResult: SIGNATURE });
        expect((await keys(work)).every((key) => key.startsWith('quarantine/'))).toBe(true);
      });
    });

    describe('a scan', () => {
      test('judges each content once, for all its assets', async () => {
        const work = await suite.create();
        const [one, two] = [assetOf(await put(work, 'shared', 'off')), assetOf(await put(work, 'shared', 'off'))];
        const { scanner, asked } = counting(real());
        const outcomes = await scan(work, {}, { scanning: scanning('auto', scanner) });
        expect(outcomes).toMatchObject([{ kind: 'judged', verdict: { status: 'CLEAN', signatureVersion: '27001' } }]);
        expect(asked()).toBe(1);
        expect((await events(work, 'scanned')).map(({ assetId }) => assetId).sort()).toEqual([one.id, two.id].sort());
        expect(await asset(work, two.id)).toMatchObject({ virusScanStatus: 'CLEAN' });
        expect(await scan(work)).toEqual([]);
        expect(await scan(work, { which: 'all' })).toHaveLength(1);
      });

      test('keeps each content as it is for as long as it is scanned, and after a failure, where it is stored smaller', async () => {
        const work = await suite.create();
        const uploads = Array.from({ length: 12 }, async (_, index) => {
          const path = await writeText(work.directory, `${index}.txt`, `report ${index}\n`.repeat(1000));
          return tryPut(work, path, { scanning: scanning('off'), content: { compress: true } });
        });
        const hashes = (await Promise.all(uploads)).map((outcome) => assetOf(outcome).fileHash).sort();
        const { assets } = await work.catalog();
        const { assets: rows } = await assets.pageWithObjects({ organization: 'acme' }, { filter: {}, limit: 100 });
        expect(rows.map(({ object }) => object.contentEncoding)).toEqual(rows.map(() => 'gzip'));
        const scanner = real();
        const held: Uint8Array[] = [];
        const seen: string[] = [];
        const keeping = async (body: BodySource, options?: ScanOptions) => {
          const bytes = body.bytes ?? new Uint8Array();
          const before = hash('sha256', bytes);
          // Every third fails, as one does whose bytes are on their way still.
          if (seen.push(before) % 3 === 0) {
            held.push(bytes);
            throw new AssetError('UNEXPECTED', 'it failed');
          }
          const verdict = await scanner.scan(body, options);
          expect(hash('sha256', bytes)).toBe(before);
          return verdict;
        };
        const outcomes = await scan(work, {}, { scanning: scanning('auto', { ...scanner, scan: keeping }) });
        expect(outcomes.filter(isClean)).toHaveLength(8);
        expect(seen.toSorted()).toEqual(hashes);
        expect(held.map((bytes) => seen.includes(hash('sha256', bytes)))).toEqual([true, true, true, true]);
        expect(new Set(held.map((bytes) => hash('sha256', bytes))).size).toBe(4);
      });

      test('takes infected bytes from their keys, private and public ones, and hands them out no more', async () => {
        const work = await suite.create();
        const open = assetOf(await put(work, EICAR, 'off', { isPublic: true }));
        const closed = assetOf(await put(work, EICAR, 'off'));
        const twin = assetOf(await put(work, EICAR, 'off'));
        const [outcome] = await scan(work);
        expect(outcome).toMatchObject({
          verdict: { status: 'INFECTED', result: SIGNATURE },
          assetIds: [open.id, closed.id, twin.id],
          treatment: { kind: 'done', deed: 'quarantined' },
        });
        expect(await keys(work)).toHaveLength(1);
        const [key = ''] = await keys(work);
        expect(key).toMatch(/^quarantine\/acme\//);
        for (const { id } of [open, closed, twin]) {
          expect(await asset(work, id)).toMatchObject({
            status: 'quarantined',
            virusScanStatus: 'INFECTED',
            isPublic: false,
            cdnUrl: null,
            storagePath: key,
          });
          expect(await fetchIt(work, id)).toMatchObject([{ failure: { code: 'VIRUS_FOUND', signature: SIGNATURE } }]);
        }
        const request = { ids: [closed.id], expiresIn: 60, inline: false, noCdn: false };
        expect(await collect(sign(work.context(), request))).toMatchObject([{ failure: { code: 'VIRUS_FOUND' } }]);
        expect(await events(work, 'quarantined')).toHaveLength(3);
        expect(await put(work, EICAR, 'off')).toMatchObject({ failure: { code: 'VIRUS_FOUND' } });
      });

      test('deletes what is infected where that is wanted', async () => {
        const work = await suite.create();
        const [bad, good] = [assetOf(await put(work, EICAR, 'off')), assetOf(await put(work, 'good', 'off'))];
        const outcomes = await scan(work, {}, {}, { onInfected: 'delete' });
        expect(outcomes).toContainEqual(expect.objectContaining({ treatment: { kind: 'done', deed: 'deleted' } }));
        expect(await asset(work, bad.id)).toBeUndefined();
        expect(await keys(work)).toEqual([good.storagePath]);
        expect((await events(work, 'deleted'))[0]?.details).toMatchObject({ reason: 'infected', signature: SIGNATURE });
      });

      test('that could not move what it found is finished by the next, and by purge-expired', async () => {
        for (const finish of ['scan', 'purge'] as const) {
          const work = await suite.create();
          const bad = assetOf(await put(work, EICAR, 'off'));
          const refusing: ContextChanges = {
            wrapStore: (store) => {
              const fail = () => Promise.reject(new StorageError('UNAVAILABLE', 'down', { backend: store.name }));
              return { ...store, put: fail, copyFrom: fail };
            },
          };
          const [outcome] = await scan(work, {}, refusing);
          expect(outcome).toMatchObject({ verdict: { status: 'INFECTED' }, treatment: { kind: 'failed' } });
          expect(await keys(work)).toEqual([bad.storagePath]);
          expect(await fetchIt(work, bad.id)).toMatchObject([{ failure: { code: 'VIRUS_FOUND' } }]);
          if (finish === 'scan') expect(await scan(work)).toMatchObject([{ treatment: { kind: 'done' } }]);
          else {
            const purged = await collect(
              purgeExpired(work.context(), { allOrganizations: false, dryRun: false, batchSize: 10 }),
            );
            expect(purged).toContainEqual({ kind: 'quarantined', count: 1 });
          }
          expect(await asset(work, bad.id)).toMatchObject({ status: 'quarantined' });
          expect((await keys(work)).every((key) => key.startsWith('quarantine/'))).toBe(true);
          expect(await scan(work)).toEqual([]);
        }
      });

      test('leaves no former copy of what is infected', async () => {
        const work = await suite.create();
        const context = work.context();
        const { id } = assetOf(await put(work, EICAR, 'off'));
        const [found] = await (await work.catalog()).assets.byIds(context.identity, [id]);
        if (found === undefined) throw new Error('the asset is gone');
        await moveBytes(context, {
          source: found.object,
          to: {
            backend: found.object.backend,
            storagePath: keyInPlace(found.object.storagePath, 'private', randomUUID()),
            isPublic: false,
          },
          carry: { kind: 'all' },
          sourceEnd: { kind: 'retain', seconds: 86_400 },
          audit: { action: 'migrated', details: {} },
        });
        expect(await keys(work)).toHaveLength(2);
        await scan(work);
        expect((await keys(work)).map((key) => key.split('/')[0])).toEqual(['quarantine']);
      });

      test('moves what is in quarantine once more if an asset has come to it meanwhile', async () => {
        const work = await suite.create();
        const text = 'harmless to some';
        const path = await writeText(work.directory, 'some.txt', text);
        const knowing = await startOwnClamd({}, [hashSignature('Own-Virus', path)]);
        onTestFinished(() => knowing.stop());
        const scanner = createClamdScanner({ address: { host: knowing.host, port: knowing.port } });
        const strict = { scanning: scanning('auto', scanner) };
        await put(work, text, 'off');
        await scan(work, { which: 'all' }, strict);
        await scan(work, { which: 'all' });
        const later = assetOf(await put(work, text, 'off'));
        expect(later).toMatchObject({ status: 'active', virusScanStatus: 'CLEAN' });
        await scan(work, { which: 'all' }, strict);
        const found = await asset(work, later.id);
        expect(found).toMatchObject({ status: 'quarantined', virusScanStatus: 'INFECTED' });
        expect(await keys(work)).toEqual([found?.storagePath]);
        expect(found?.storagePath).not.toBe(later.storagePath);
      });

      test('is shared by two hosts: nothing is scanned twice, nothing is left', async () => {
        const work = await suite.create();
        const paths = await Promise.all(
          Array.from({ length: 240 }, (_, nth) => writeText(work.directory, `${nth}.txt`, `content ${nth}`)),
        );
        const made = work.context({ scanning: scanning('off') });
        await uploadPaths(made, paths, { backend: made.backends.defaultName });
        const hosts = meeting(real(), 2);
        const counted = hosts.map((scanner) => counting(scanner));
        const both = await Promise.all(
          counted.map(({ scanner }) => scan(work, {}, { scanning: scanning('auto', scanner) })),
        );
        expect(counted.reduce((sum, { asked }) => sum + asked(), 0)).toBe(240);
        expect(both.flat().filter(isClean)).toHaveLength(240);
        expect(both.every((outcomes) => outcomes.length > 0)).toBe(true);
        const left = await (await work.catalog()).assets.count({ organization: 'acme' }, { scanStatus: 'PENDING' });
        expect(left.count).toBe(0);
      });

      test('of everything goes on where it was stopped', async () => {
        const work = await suite.create();
        const paths = await Promise.all(
          Array.from({ length: 30 }, (_, nth) => writeText(work.directory, `${nth}.txt`, `content ${nth}`)),
        );
        const made = work.context({ scanning: scanning('required') });
        await uploadPaths(made, paths, { backend: made.backends.defaultName });
        const stop = new AbortController();
        const { scanner, asked } = counting(real(), (count) => {
          if (count === 10) stop.abort(new Error('enough'));
        });
        const changes = { scanning: scanning('auto', scanner) };
        const first = await scan(work, { which: 'all' }, { ...changes, signal: stop.signal });
        expect(first.length).toBeLessThan(30);
        const second = await scan(work, { which: 'all' }, changes);
        expect(asked()).toBe(30);
        expect(first.length + second.length).toBe(30);
        expect(await scan(work, { which: 'all' }, changes)).toHaveLength(30);
      });

      test('selects what older signatures judged', async () => {
        const work = await suite.create();
        await put(work, 'old', 'required');
        expect(await scan(work, { which: 'stale' })).toEqual([]);
        await clamd.renumber(27_002);
        expect(await scan(work, { which: 'stale' })).toMatchObject([{ verdict: { signatureVersion: '27002' } }]);
        expect(await scan(work, { which: 'stale' })).toEqual([]);
        await clamd.renumber(27_001);
      });

      test('names what it cannot read, and goes on', async () => {
        const work = await suite.create();
        const lost = assetOf(await put(work, 'lost', 'off'));
        assetOf(await put(work, 'there', 'off'));
        const context = work.context();
        const store = await context.backends.open(context.backends.defaultName);
        const [found] = await (await work.catalog()).assets.byIds(context.identity, [lost.id]);
        if (found !== undefined) await store.deleteMany([found.object.storagePath]);
        const outcomes = await scan(work);
        expect(outcomes.filter(isClean)).toHaveLength(1);
        expect(outcomes).toContainEqual(expect.objectContaining({ kind: 'failed', id: lost.id }));
      });

      test('skips what is deleted before it is read', async () => {
        const work = await suite.create();
        const { id } = assetOf(await put(work, 'going', 'off'));
        const outcomes = await scan(
          work,
          {},
          beforeReading(() => remove(work, id)),
        );
        expect(outcomes).toEqual([{ kind: 'skipped', count: 1 }]);
      });

      test('does not skip what another asset still has, though its bytes are missing', async () => {
        const work = await suite.create();
        const going = assetOf(await put(work, 'shared', 'off', { isPublic: true }));
        const lost = assetOf(await put(work, 'shared', 'off'));
        const context = work.context();
        const store = await context.backends.open(context.backends.defaultName);
        await store.deleteMany([parseStorageKey(lost.storagePath)]);
        const outcomes = await scan(
          work,
          {},
          beforeReading(() => remove(work, going.id)),
        );
        expect(outcomes).toMatchObject([{ kind: 'failed', failure: { code: 'BYTES_MISSING' } }]);
      });

      test('names what it cannot read once, however long it waits for what another holds', async () => {
        const work = await suite.create();
        const lost = assetOf(await put(work, 'lost', 'off'));
        const held = assetOf(await put(work, 'held', 'off'));
        const context = work.context();
        const { assets, maintenance, verdicts } = await work.catalog();
        const [found] = await assets.byIds(context.identity, [lost.id]);
        const store = await context.backends.open(context.backends.defaultName);
        if (found !== undefined) await store.deleteMany([found.object.storagePath]);
        const judgedBefore = (await maintenance.time()).toISOString();
        const content = { organizationId: held.organizationId, sha256: held.fileHash };
        const { jobs } = await verdicts.claim([content], { kind: 'pending', judgedBefore }, 1, 1);
        expect(jobs).toHaveLength(1);
        const outcomes = await scan(work);
        expect(outcomes.filter(isClean)).toHaveLength(1);
        expect(outcomes.filter(({ kind }) => kind === 'failed')).toMatchObject([{ id: lost.id }]);
      });

      test('stops when the scanner goes away, and gives back what it held', async () => {
        const work = await suite.create();
        await put(work, 'waiting', 'off');
        const { version } = real();
        const gone = { ...createClamdScanner({ address: { host: '127.0.0.1', port: 1 } }), version };
        await expect(scan(work, {}, { scanning: scanning('auto', gone) })).rejects.toMatchObject({
          code: 'SCANNER_UNAVAILABLE',
        });
        expect((await scan(work)).filter(isClean)).toHaveLength(1);
      });

      test('is for admins', async () => {
        const work = await suite.create();
        await expect(scan(work, {}, { identity: { role: 'member' } })).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
      });
    });

    describe('a release from quarantine', () => {
      test('is for admins; accepts the signature and brings every asset on the bytes back, private', async () => {
        const work = await suite.create();
        const open = assetOf(await put(work, EICAR, 'off', { isPublic: true }));
        const twin = assetOf(await put(work, EICAR, 'off'));
        await scan(work);
        const restore = (changes: ContextChanges) => collect(restoreAssets(work.context(changes), [open.id, twin.id]));
        expect(await restore({ identity: { role: 'member' } })).toMatchObject([
          { failure: { code: 'NOT_PERMITTED' } },
          { failure: { code: 'NOT_PERMITTED' } },
        ]);
        const restored = await restore({ identity: { role: 'admin', user: 'grace' } });
        expect(restored.map(({ id }) => id).sort()).toEqual([open.id, twin.id].sort());
        for (const { id } of [open, twin]) {
          const found = await asset(work, id);
          expect(found).toMatchObject({ status: 'active', virusScanStatus: 'CLEAN', isPublic: false });
          expect(found?.virusScanResult).toBe(`accepted: ${SIGNATURE}`);
          expect(await fetchIt(work, id)).toMatchObject([{ kind: 'downloaded' }]);
        }
        expect((await keys(work)).some((key) => key.startsWith('quarantine/'))).toBe(false);
        expect(await events(work, 'accepted')).toMatchObject([{ actor: 'grace', details: { signature: SIGNATURE } }]);
        expect((await scan(work, { which: 'all' })).every(isClean)).toBe(true);
        expect(assetOf(await put(work, EICAR, 'required')).virusScanStatus).toBe('CLEAN');
      });

      test('does not hold for another signature', async () => {
        const work = await suite.create();
        const { id } = assetOf(await put(work, EICAR, 'off'));
        await scan(work);
        await collect(restoreAssets(work.context(), [id]));
        const { scanner } = counting(real());
        const other: Scanner = {
          ...scanner,
          scan: async (body, options) => ({ ...(await scanner.scan(body, options)), result: 'Another.Signature' }),
        };
        const [outcome] = await scan(work, { which: 'all' }, { scanning: scanning('auto', other) });
        expect(outcome).toMatchObject({ verdict: { result: 'Another.Signature' }, treatment: { kind: 'done' } });
        expect(await asset(work, id)).toMatchObject({ status: 'quarantined' });
      });
    });

    test('where verdicts are required, nothing without one is handed out', async () => {
      const work = await suite.create();
      const { id } = assetOf(await put(work, 'unjudged', 'off'));
      const required = { scanning: scanning('required') };
      expect(await fetchIt(work, id, required)).toMatchObject([{ failure: { code: 'VERDICT_REQUIRED' } }]);
      expect(await fetchIt(work, id)).toMatchObject([{ kind: 'downloaded' }]);
      await scan(work);
      expect(await fetchIt(work, id, required)).toMatchObject([{ kind: 'downloaded' }]);
    });
  });
}

function isClean(outcome: ScanOutcome): boolean {
  return outcome.kind === 'judged' && outcome.verdict.status === 'CLEAN';
}

/** Scanners of hosts of which none gets a verdict before all have asked for one: each has its share of the work. */
function meeting(scanner: Scanner, count: number): Scanner[] {
  const arrived = new Set<number>();
  let meet: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    meet = resolve;
  });
  return Array.from({ length: count }, (_, host) => ({
    ...scanner,
    async scan(body, options) {
      if (arrived.add(host).size === count) meet();
      await all;
      return scanner.scan(body, options);
    },
  }));
}

/** The same scanner, and how often it was asked for a verdict. */
function counting(
  scanner: Scanner,
  onAsked: (count: number) => void = () => undefined,
): { scanner: Scanner; asked: () => number } {
  let count = 0;
  return {
    scanner: {
      ...scanner,
      scan(body, options) {
        count += 1;
        onAsked(count);
        return scanner.scan(body, options);
      },
    },
    asked: () => count,
  };
}
