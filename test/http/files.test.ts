import { randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toSigningKey } from '../../src/core/signed-path.ts';
import { unpublishAssets } from '../../src/operations/changes/publish.ts';
import { trashAssets } from '../../src/operations/changes/trash.ts';
import { migrate } from '../../src/operations/moving/migrate.ts';
import { purgeExpired } from '../../src/operations/removal/purge-expired.ts';
import { openBackend } from '../../src/storage/open.ts';
import { exchange, jsonOf, PUBLIC_URL, startServer, type TestServer } from '../support/http-server.ts';
import { collect } from '../support/uploads.ts';
import { temporaryDirectory } from '../support/workspace.ts';

async function infect({ workspace }: TestServer, id: string): Promise<void> {
  const catalog = await workspace.catalog();
  const { identity, audit } = workspace.context();
  const [found] = await catalog.assets.byIds(identity, [id]);
  const content = { organizationId: 'acme', sha256: found?.asset.fileHash ?? '' };
  const verdict = { status: 'INFECTED' as const, result: 'Eicar', signatureVersion: null };
  await catalog.verdicts.record(identity, [{ ...content, verdict, onInfected: 'quarantine' }], audit);
}

/** A server whose assets can move from `local`, whose URLs it answers, to `far`. */
async function startMigrating() {
  const key = toSigningKey('m'.repeat(32));
  const signing = { publicUrl: () => PUBLIC_URL, keys: () => [key] };
  const folder = await temporaryDirectory();
  const server = await startServer({
    signingKeys: signing.keys,
    workspace: {
      backends: ['local', 'far'],
      openStore: (name) =>
        openBackend({ name, provider: 'LOCAL', path: join(folder, name), signing }, { connect: 1000, deadline: 2000 }),
    },
  });
  const scope = { organization: 'acme' };

  /** The signed URL of a new asset, from before it moved; its source stays for so many seconds, else it goes. */
  async function moved(content: string, graceSeconds?: number, fields: Record<string, string> = {}) {
    const id = await server.stored(content, { fields });
    const path = await server.sign(id);
    const outcomes = await collect(
      migrate(server.workspace.context(), {
        ...{ from: 'local', to: 'far', scope, selection: { kind: 'ids', ids: [id] }, withFormerCopies: false },
        ...{ dryRun: false, concurrency: 1, serverSide: true },
        sourceEnd: graceSeconds === undefined ? { kind: 'delete' } : { kind: 'retain', seconds: graceSeconds },
      }),
    );
    expect(outcomes).toContainEqual(expect.objectContaining({ kind: 'moved' }));
    return { id, path };
  }
  const status = async (path: string) => (await server.request(path, { token: null })).status;
  return { server, moved, status };
}

describe('a signed URL', () => {
  test('hands a file out without a token, as it was signed', async () => {
    const server = await startServer();
    const id = await server.stored('0123456789', { name: 'Bericht "für" 世界.txt' });
    const path = await server.sign(id, { expires_in: 60 });
    const response = await server.request(path, { token: null });
    expect([response.status, await response.text()]).toEqual([200, '0123456789']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/plain',
      'content-disposition': expect.stringMatching(/^attachment; .*%E4%B8%96%E7%95%8C\.txt$/),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
    });
    const etag = response.headers.get('etag') ?? '';
    const range = await server.request(path, { token: null, headers: { range: 'bytes=3-5' } });
    expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([
      206,
      'bytes 3-5/10',
      '345',
    ]);
    const known = await server.request(path, { token: null, headers: { 'if-none-match': etag } });
    expect(known.status).toBe(304);
    const head = await server.request(path, { token: null, method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    const named = await server.sign(id, { download_as: 'other.txt', inline: true });
    expect((await server.request(named, { token: null })).headers.get('content-disposition')).toMatch(
      /^inline; filename="other.txt"/,
    );
    expect(JSON.stringify(server.log)).not.toContain('signature=');
  });

  test('of text that is compressed at rest gives the text, coded to who accepts that', async () => {
    const server = await startServer({ content: { compress: true } });
    const content = 'the same line again\n'.repeat(40_000);
    const path = await server.sign(await server.stored(content));
    const whole = await server.request(path, { token: null, headers: { 'accept-encoding': 'identity' } });
    expect([whole.headers.get('content-length'), whole.headers.get('vary')]).toEqual([
      String(content.length),
      'accept-encoding',
    ]);
    expect(await whole.text()).toBe(content);
    const asked = { token: null, headers: { 'accept-encoding': 'br, gzip;q=0.5' } };
    const coded = await server.request(path, asked);
    expect(coded.headers.get('content-encoding')).toBe('gzip');
    expect(Number(coded.headers.get('content-length'))).toBeLessThan(content.length / 10);
    expect(await coded.text()).toBe(content);
    const etag = coded.headers.get('etag') ?? '';
    expect(etag).not.toBe(whole.headers.get('etag'));
    const again = { ...asked, headers: { ...asked.headers, 'if-none-match': etag } };
    expect((await server.request(path, again)).status).toBe(304);
    const head = await server.request(path, { ...asked, method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(coded.headers.get('content-length'));
    const part = await server.request(path, { token: null, headers: { range: 'bytes=500000-500019' } });
    expect(await part.text()).toBe(content.slice(500_000, 500_020));
  });

  test('that was changed anywhere is refused', async () => {
    const server = await startServer();
    const path = await server.sign(await server.stored('content'));
    const other = await server.sign(await server.stored('another'));
    const url = new URL(path, server.url);
    const changes: [string, string][] = [
      ['expires', '9999999999'],
      ['type', 'text/html'],
      ['disposition', 'inline'],
      ['key', 'other'],
      ['signature', new URL(other, server.url).searchParams.get('signature') ?? ''],
      ['signature', 'x'],
    ];
    for (const [name, value] of changes) {
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      const response = await fetch(changed);
      expect([name, response.status, (await jsonOf(response)).code]).toEqual([name, 403, 'NOT_PERMITTED']);
    }
    const moved = path.replace(/\/files\/local\/[^?]+/, new URL(other, server.url).pathname);
    expect((await server.request(moved, { token: null })).status).toBe(403);
    expect((await server.request(path.replace('/files/local/', '/files/other/'), { token: null })).status).toBe(403);
    for (const name of ['expires', 'type', 'disposition', 'key', 'signature']) {
      const lacking = new URL(url);
      lacking.searchParams.delete(name);
      expect((await fetch(lacking)).status).toBe(400);
    }
  });

  test('that was cut off is told what it lacks, in one sentence', async () => {
    const server = await startServer();
    const path = await server.sign(await server.stored('cut off'));
    const cut = await server.request(path.slice(0, path.indexOf('&signature=')), { token: null });
    expect(await jsonOf(cut)).toMatchObject({
      status: 400,
      detail: "querystring must have required property 'signature'",
    });
  });

  test('ends at its time, and with the asset', async () => {
    const server = await startServer();
    const id = await server.stored('content', { fields: { expires_in: '3s' } });
    const brief = await server.sign(id, { expires_in: 1 });
    const long = await server.sign(id, { expires_in: 3600 });
    const lasts = (path: string) => Number(new URL(path, server.url).searchParams.get('expires')) - Date.now() / 1000;
    expect([lasts(brief) < 2, lasts(long) < 10]).toEqual([true, true]);
    const status = async (path: string) => (await server.request(path, { token: null })).status;
    expect(await status(long)).toBe(200);
    await expect.poll(() => status(brief)).toBe(403);
    await expect.poll(() => status(long), { interval: 200 }).toBeGreaterThanOrEqual(403);
  });

  test('leads nowhere once the asset is deleted, trashed or infected', async () => {
    const server = await startServer();
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => server.request(`/assets/${id}`, { method: 'DELETE' }),
      (id) => trashAssets(server.workspace.context(), [id]),
      (id) => infect(server, id),
    ];
    for (const [index, end] of ends.entries()) {
      const id = await server.stored(`content ${index}`);
      const path = await server.sign(id);
      expect((await server.request(path, { token: null })).status).toBe(200);
      await end(id);
      const response = await server.request(path, { token: null });
      expect([index, response.status, (await jsonOf(response)).code]).toEqual([index, 404, 'ASSET_NOT_FOUND']);
    }
  });

  test('leads to the copy that a migration has left, until it is removed or its asset may be shown no longer', async () => {
    const { server, moved, status } = await startMigrating();
    const kept = await moved('0123456789', 3600);
    const whole = await server.request(kept.path, { token: null });
    expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
    const part = await server.request(kept.path, { token: null, headers: { range: 'bytes=3-5' } });
    expect([part.status, await part.text()]).toEqual([206, '345']);
    const long = 'a line of text that is too long to be sent from memory\n'.repeat(10_000);
    const large = await moved(long, 3600);
    expect(await (await server.request(large.path, { token: null })).text()).toBe(long);
    expect(await status((await moved('moved without a copy')).path)).toBe(404);
    const brief = await moved('for a moment', 0);
    expect(await status(brief.path)).toBe(200);
    await collect(purgeExpired(server.workspace.context(), { allOrganizations: true, dryRun: false }));
    expect(await status(brief.path)).toBe(404);
    expect(await status(kept.path)).toBe(200);
  });

  test('to such a copy ends with what is deleted, trashed, infected or unpublished', async () => {
    const { server, moved, status } = await startMigrating();
    const context = server.workspace.context();
    const [deleted, trashed, infected, shown, trashedInPublic] = [
      await moved('to be deleted', 3600),
      await moved('to be trashed', 3600),
      await moved('to be infected', 3600),
      await moved('to be hidden', 3600, { is_public: 'true' }),
      await moved('to be trashed in public', 3600, { is_public: 'true' }),
    ];
    for (const { path } of [deleted, trashed, infected, shown, trashedInPublic]) {
      expect(await status(path)).toBe(200);
    }
    await server.request(`/assets/${deleted.id}`, { method: 'DELETE' });
    expect(await status(deleted.path)).toBe(404);
    for (const { id, path } of [trashed, trashedInPublic]) {
      expect(await trashAssets(context, [id])).toMatchObject([{ kind: 'changed' }]);
      expect(await status(path)).toBe(404);
    }
    await infect(server, infected.id);
    expect(await status(infected.path)).toBe(404);
    expect(await collect(unpublishAssets(context, [shown.id]))).toMatchObject([{ kind: 'changed' }]);
    expect(await status(shown.path)).toBe(404);
  });

  test('signed with an old key stays good while the key is kept', async () => {
    const old = toSigningKey('o'.repeat(32));
    const fresh = toSigningKey('n'.repeat(32));
    let keys = [old];
    const server = await startServer({ signingKeys: () => keys });
    const id = await server.stored('content');
    const before = await server.sign(id);
    keys = [fresh, old];
    const after = await server.sign(id);
    expect(new URL(after, server.url).searchParams.get('key')).toBe(fresh.id);
    for (const path of [before, after]) expect((await server.request(path, { token: null })).status).toBe(200);
    keys = [fresh];
    expect((await server.request(before, { token: null })).status).toBe(403);
  });

  test('is not made for what may not be read, and not without a key', async () => {
    const server = await startServer({ signingKeys: () => [] });
    const id = await server.stored('content');
    const response = await server.request(`/assets/${id}/sign`, { method: 'POST' });
    expect([response.status, (await jsonOf(response)).code]).toEqual([501, 'CANNOT_SIGN']);
    const wrong = await server.request(`/assets/${id}/sign`, {
      method: 'POST',
      body: JSON.stringify({ expires_in: 8 * 86_400 }),
      headers: { 'content-type': 'application/json' },
    });
    expect(wrong.status).toBe(400);
  });

  test('is in the audit trail under the id of its request', async () => {
    const server = await startServer();
    const id = await server.stored('content');
    const response = await server.request(`/assets/${id}/sign`, { method: 'POST' });
    expect(response.status).toBe(200);
    const { audit } = await server.workspace.catalog();
    const { events } = await audit.page({ organization: 'acme' }, { action: 'signed' }, 5);
    expect(events).toMatchObject([{ assetId: id, actor: 'ada', correlationId: response.headers.get('x-request-id') }]);
  });
});

/** Other bytes of the same number in place of what is stored. */
async function damage({ workspace }: TestServer, path: string): Promise<void> {
  const file = join(workspace.storage, path.slice('/files/local/'.length));
  const { size } = await stat(file);
  await writeFile(file, Buffer.alloc(size, 7));
}

describe('the address of a public asset', () => {
  async function startWithPublic() {
    const server = await startServer({ content: { compress: true } });
    const text = 'the same line again\n'.repeat(1000);
    const id = await server.stored(text, { name: 'Bericht.txt', fields: { is_public: 'true' } });
    const shown = await jsonOf(await server.request(`/assets/${id}`));
    return { server, id, text, path: `/files/local/${shown.data.storage_path}` };
  }

  test('is answered to anyone, with what browsers and caches need to know', async () => {
    const { server, text, path } = await startWithPublic();
    const whole = await server.request(path, { token: null, headers: { 'accept-encoding': 'identity' } });
    expect([whole.status, await whole.text()]).toEqual([200, text]);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'text/plain',
      'content-disposition': expect.stringMatching(/^inline; filename="Bericht.txt"/),
      'cache-control': 'public, max-age=3600',
      vary: 'accept-encoding',
    });
    const coded = await server.request(`${path}?v=2`, { token: null, headers: { 'accept-encoding': 'gzip' } });
    expect([coded.headers.get('content-encoding'), await coded.text()]).toEqual(['gzip', text]);
    const part = await server.request(path, { token: null, headers: { range: 'bytes=4-7' } });
    expect([part.status, await part.text()]).toEqual([206, 'same']);
  });

  test('is kept by caches no longer than the asset lives, and no refusal is', async () => {
    const { server, path } = await startWithPublic();
    const refused = await server.request(path, { token: null, headers: { range: 'bytes=20000-' } });
    expect([refused.status, refused.headers.get('cache-control')]).toEqual([416, 'no-store']);
    const id = await server.stored('for a minute', { fields: { is_public: 'true', expires_in: '60' } });
    const shown = await jsonOf(await server.request(`/assets/${id}`));
    const answer = await server.request(`/files/local/${shown.data.storage_path}`, { token: null });
    const [, seconds] = /^public, max-age=(\d+)$/.exec(answer.headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds)).toBeLessThanOrEqual(60);
  });

  test('that cannot be read is a problem that no cache keeps, and in no coding', async () => {
    const { server, path } = await startWithPublic();
    await damage(server, path);
    for (const coding of ['gzip', 'identity']) {
      const answer = await server.request(path, { token: null, headers: { 'accept-encoding': coding } });
      expect(answer.status).toBe(500);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('content-encoding')).toBeNull();
      expect(await jsonOf(answer)).toMatchObject({ status: 500 });
    }
  });

  test('ends as it is withdrawn, trashed or infected, and private ones need a signature', async () => {
    const ends: ((server: TestServer, id: string) => Promise<unknown>)[] = [
      ({ workspace }, id) => collect(unpublishAssets(workspace.context(), [id])),
      ({ workspace }, id) => trashAssets(workspace.context(), [id]),
      infect,
    ];
    for (const end of ends) {
      const { server, id, path } = await startWithPublic();
      await end(server, id);
      expect((await server.request(path, { token: null })).status).toBe(404);
    }
    const { server, path } = await startWithPublic();
    const signed = await server.sign(await server.stored('private'));
    const unsigned = signed.slice(0, signed.indexOf('?'));
    expect((await server.request(unsigned, { token: null })).status).toBe(403);
    expect((await server.request(path.replace('/local/', '/other/'), { token: null })).status).toBe(404);
  });

  test('opens no store for anyone who asks for what there is not', async () => {
    const opened: string[] = [];
    const server = await startServer({
      serving: { answersFor: new Set(['local']) },
      workspace: {
        backends: ['local', 'cloud'],
        openStore(name) {
          opened.push(name);
          return Promise.reject(new Error('it is away'));
        },
      },
    });
    for (const backend of ['local', 'cloud', 'other']) {
      const path = `/files/${backend}/public/acme/seo_report/2026/01/02/${randomUUID()}.txt`;
      expect((await server.request(path, { token: null })).status).toBe(404);
    }
    expect(opened).toEqual([]);
  });
});

test.each([
  '/files/local/../../../etc/passwd',
  '/files/local/..%2f..%2f..%2fetc%2fpasswd',
  '/files/local/%2e%2e/%2e%2e/etc/passwd',
  '/files/..%2f..%2f/etc/passwd',
  '/files/local/%252e%252e/etc/passwd',
  '/files/local/..%5c..%5cetc%5cpasswd',
  '/files/local/acme%00/x',
  '/files/local/.asset-cli.json',
  '/files/local/',
  '/files/local',
  '/files/',
])('%s leads nowhere, whatever stands behind it', async (path) => {
  const server = await startServer();
  const query = '?expires=9999999999&type=text/plain&disposition=inline&key=x&signature=x';
  const answer = await exchange(server.port, `GET ${path}${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 (400|403|404) /);
  expect(answer).not.toContain('root:');
  expect(answer).not.toContain('catalogId');
});
