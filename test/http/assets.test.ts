import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { jsonOf, openSocket, startServer } from '../support/http-server.ts';

describe('an upload', () => {
  test('is answered as the specification says, with fields before the file or after it', async () => {
    const { upload, request } = await startServer();
    for (const fileFirst of [false, true]) {
      const fields = { asset_type: 'SEO_REPORT', project_id: 'p1', is_public: 'false', expires_in: '30d' };
      const response = await upload(`content ${fileFirst}`, { name: 'Bericht "für" 世界.txt', fields, fileFirst });
      expect(response.status).toBe(201);
      const body = await jsonOf(response);
      expect(body).toEqual({
        success: true,
        data: {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          filename: 'Bericht "für" 世界.txt',
          file_size: `content ${fileFirst}`.length,
          asset_type: 'SEO_REPORT',
          cdn_url: null,
        },
      });
      const shown = await jsonOf(await request(`/assets/${body.data.id}`));
      expect(shown.data).toMatchObject({ project_id: 'p1', user_id: 'ada', organization_id: 'acme', is_public: false });
      const life = Date.parse(shown.data.expires_at) - Date.parse(shown.data.created_at);
      expect(life).toBe(30 * 86_400_000);
    }
  });

  test('keeps its request id and its own user in the audit trail, though many are stored together', async () => {
    const { upload, token, workspace } = await startServer();
    const users = ['ada', 'bob', 'eve', 'joe', 'kim'];
    const tokens = new Map(await Promise.all(users.map(async (user) => [user, await token({ user })] as const)));
    const uploads = Array.from({ length: 60 }, (_, index) => users[index % users.length] ?? '');
    const responses = await Promise.all(
      uploads.map((user, index) => upload(`content ${index}`, { token: tokens.get(user) ?? null })),
    );
    const made = await Promise.all(
      responses.map(async (response, index) => {
        const body: { data: { id: string } } = await jsonOf(response);
        return [body.data.id, { actor: uploads[index], correlationId: response.headers.get('x-request-id') }] as const;
      }),
    );
    const { audit } = await workspace.catalog();
    const { events } = await audit.page({ organization: 'acme' }, { action: 'uploaded' }, 100);
    const seen = events.map(({ assetId, actor, correlationId }) => [assetId, { actor, correlationId }]);
    expect(new Map(seen as [string, object][])).toEqual(new Map(made));
    expect(await workspace.storedFiles()).toHaveLength(60);
  });

  test('of equal content at once is stored once', async () => {
    const { upload, workspace } = await startServer();
    const responses = await Promise.all(Array.from({ length: 20 }, () => upload('the same')));
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(await workspace.storedFiles()).toHaveLength(1);
  });

  test('larger than memory may hold goes through a file, and comes back the same', async () => {
    const { upload, request } = await startServer({ maxFileSize: 8 * 2 ** 20 });
    const content = 'line of text\n'.repeat(400_000);
    const { data } = await jsonOf(await upload(content, { fields: { asset_type: 'LLM_TXT' }, fileFirst: true }));
    expect(data.file_size).toBe(content.length);
    expect(await (await request(`/download/${data.id}`)).text()).toBe(content);
    const middle = await request(`/download/${data.id}`, { headers: { range: 'bytes=1000000-1000012' } });
    expect(await middle.text()).toBe(content.slice(1_000_000, 1_000_013));
  });

  test.each<[string, string | Uint8Array, object, number, string]>([
    ['nothing', '', {}, 400, 'FILE_EMPTY'],
    ['more than the limit', 'x'.repeat(2 ** 20 + 1), {}, 413, 'FILE_TOO_LARGE'],
    ['a type that is not allowed', '<html><body>x</body></html>', { name: 'x.html' }, 415, 'TYPE_NOT_ALLOWED'],
    ['content that does not match its name', 'plain text', { name: 'x.png' }, 400, 'TYPE_MISMATCH'],
    ['an unknown asset type', 'x', { fields: { asset_type: 'NOPE' } }, 400, 'USAGE'],
    ['a path as a project', 'x', { fields: { project_id: '../..' } }, 400, 'USAGE'],
    ['no truth', 'x', { fields: { is_public: 'maybe' } }, 400, 'USAGE'],
    ['what every object has', 'x', { fields: { is_public: 'constructor' } }, 400, 'USAGE'],
    ['no duration', 'x', { fields: { expires_in: 'soon' } }, 400, 'USAGE'],
    ['a field that nobody knows', 'x', { fields: { owner: 'eve' } }, 400, 'USAGE'],
    ['a field that is too long', 'x', { fields: { project_id: 'p'.repeat(5000) } }, 400, 'USAGE'],
  ])('of %s is refused', async (_what, content, options, status, code) => {
    const { upload, workspace } = await startServer();
    const response = await upload(content, options);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await jsonOf(response)).toMatchObject({
      type: 'about:blank',
      status,
      code,
      detail: expect.any(String),
      request_id: response.headers.get('x-request-id'),
    });
    expect(response.status).toBe(status);
    expect(await workspace.storedFiles().catch(() => [])).toEqual([]);
  });

  test('of what is not one file in a form is refused', async () => {
    const { request } = await startServer();
    const two = new FormData();
    two.set('file', new Blob(['a']), 'a.txt');
    two.set('other', new Blob(['b']), 'b.txt');
    const none = new FormData();
    none.set('asset_type', 'SEO_REPORT');
    for (const body of [two, none]) {
      const response = await request('/upload', { method: 'POST', body });
      expect([response.status, (await jsonOf(response)).code]).toEqual([400, 'USAGE']);
    }
    const json = await request('/upload', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(json.status).toBe(415);
    const one = new FormData();
    one.set('file', new Blob(['a']), 'a.txt');
    const coded = await request('/upload', { method: 'POST', body: one, headers: { 'content-encoding': 'gzip' } });
    expect([coded.status, (await jsonOf(coded)).detail]).toEqual([415, expect.stringContaining('Content-Encoding')]);
    const text = await request('/upload', { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(415);
  });
});

describe('the list', () => {
  test("has the caller's assets, newest first, page by page", async () => {
    const { stored, request, token } = await startServer();
    const ids: string[] = [];
    for (const index of [0, 1, 2, 3, 4]) {
      const asset_type = index === 2 ? 'SEO_REPORT' : 'LLM_TXT';
      ids.unshift(await stored(`content ${index}`, { name: `${index}.txt`, fields: { asset_type } }));
    }
    await stored('of another', { token: await token({ user: 'bob' }) });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await jsonOf(await request(`/?limit=2${after}`));
      expect(page.success).toBe(true);
      for (const each of page.data) seen.push(each.id);
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(ids);
    const reports = await jsonOf(await request('/?asset_type=SEO_REPORT'));
    expect(reports).toEqual({
      success: true,
      data: [
        {
          id: ids[2],
          filename: '2.txt',
          file_size: 9,
          asset_type: 'SEO_REPORT',
          created_at: expect.stringMatching(/Z$/),
          cdn_url: null,
        },
      ],
      next_cursor: null,
    });
  });

  test.each(['/?limit=0', '/?limit=501', '/?limit=x', '/?cursor=nonsense', '/?asset_type=lower', '/?cursor='])(
    '%s is refused',
    async (path) => {
      const { request } = await startServer();
      const response = await request(path);
      expect([response.status, (await jsonOf(response)).code]).toEqual([400, 'USAGE']);
    },
  );
});

describe('a download', () => {
  test('has the headers that clients go by', async () => {
    const { stored, request } = await startServer();
    const id = await stored('0123456789', { name: 'Übersicht.txt' });
    const response = await request(`/download/${id}`);
    expect(response.status).toBe(200);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      'content-length': '10',
      'content-type': 'text/plain',
      'content-disposition': `attachment; filename="_bersicht.txt"; filename*=UTF-8''%C3%9Cbersicht.txt`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['set-cookie']).toBeUndefined();
    const etag = headers['etag'] ?? '';
    const unchanged = await request(`/download/${id}`, { headers: { 'if-none-match': etag } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
    const head = await request(`/download/${id}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([200, '10', etag]);
    const ranged = await request(`/download/${id}`, { method: 'HEAD', headers: { range: 'bytes=2-4' } });
    expect([ranged.status, ranged.headers.get('content-length')]).toEqual([200, '10']);
    const some = await request(`/download/${id}`, { headers: { range: 'bytes=2-4', 'if-range': etag } });
    expect([some.status, some.headers.get('content-range'), await some.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const last = await request(`/download/${id}`, { headers: { range: 'bytes=-1' } });
    expect([last.status, await last.text()]).toEqual([206, '9']);
    const beyond = await request(`/download/${id}`, { headers: { range: 'bytes=10-' } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
  });

  test('is counted and audited under its request id; what was refused is too', async () => {
    const { stored, request, workspace, token, server } = await startServer();
    const id = await stored('0123456789');
    const whole = await request(`/download/${id}`, { token: await token({ user: 'bob' }) });
    await whole.text();
    await (await request(`/download/${id}`, { headers: { range: 'bytes=1-' } })).text();
    await (await request(`/download/${id}`, { headers: { range: 'bytes=0-0' } })).text();
    await request(`/download/${id}`, { method: 'HEAD' });
    const foreign = await request(`/download/${id}`, { token: await token({ organization: 'other' }) });
    expect(foreign.status).toBe(404);
    await server.close();
    const catalog = await workspace.catalog();
    const [found] = await catalog.assets.byIds(workspace.context().identity, [id]);
    expect(found?.asset.downloadCount).toBe(1);
    const { events } = await catalog.audit.page({ allOrganizations: true }, { action: 'downloaded' }, 10);
    expect(events.map(({ actor, outcome, correlationId }) => ({ actor, outcome, correlationId }))).toEqual(
      expect.arrayContaining([
        { actor: 'bob', outcome: 'success', correlationId: whole.headers.get('x-request-id') },
        { actor: 'ada', outcome: 'refused', correlationId: foreign.headers.get('x-request-id') },
      ]),
    );
    const details = events.map((event) => event.details);
    expect(details).toContainEqual({ bytes: 9, range: { start: 1, end: 9 } });
    expect(details).toContainEqual({ bytes: 1, range: { start: 0, end: 0 } });
    expect(events).toHaveLength(4);
  });

  test('that its reader leaves is audited too', async () => {
    const { upload, workspace, server, port, token, log } = await startServer({ maxFileSize: 64 * 2 ** 20 });
    const { data } = await jsonOf(await upload('line of text\n'.repeat(2_000_000)));
    const socket = await openSocket(port);
    socket.write(`GET /download/${data.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await token()}\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await expect.poll(() => log.at(-1)).toMatchObject({ aborted: true });
    await server.close();
    const { audit } = await workspace.catalog();
    const { events } = await audit.page({ organization: 'acme' }, { action: 'downloaded' }, 5);
    expect(events).toMatchObject([{ assetId: data.id, outcome: 'failed', details: { code: 'INTERRUPTED' } }]);
  });

  test('of damaged bytes never looks complete', async () => {
    const { stored, request, workspace } = await startServer();
    const id = await stored('0123456789');
    const files = readdirSync(workspace.storage, { recursive: true }).map(String);
    const file = files.find((each) => each.endsWith('.txt')) ?? '';
    writeFileSync(join(workspace.storage, file), '01234X6789');
    const response = await request(`/download/${id}`);
    expect([response.status, (await jsonOf(response)).code]).toEqual([500, 'BYTES_DAMAGED']);
  });
});

describe('an asset', () => {
  test('is deleted by its owner, and then gone', async () => {
    const { stored, request, token, workspace } = await startServer();
    const id = await stored('content');
    const bob = await token({ user: 'bob' });
    const refused = await request(`/assets/${id}`, { method: 'DELETE', token: bob });
    expect([refused.status, (await jsonOf(refused)).code]).toEqual([403, 'NOT_PERMITTED']);
    const deleted = await request(`/assets/${id}`, { method: 'DELETE' });
    expect(await jsonOf(deleted)).toEqual({ success: true, data: { id, status: 'deleted', bytes_freed: 7 } });
    for (const path of [`/assets/${id}`, `/download/${id}`]) expect((await request(path)).status).toBe(404);
    expect((await request(`/assets/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect(await workspace.storedFiles()).toEqual([]);
  });

  test('that is infected is not handed out', async () => {
    const { stored, request, workspace } = await startServer();
    const id = await stored('content');
    const context = workspace.context();
    const catalog = await workspace.catalog();
    const [found] = await catalog.assets.byIds(context.identity, [id]);
    const content = { organizationId: 'acme', sha256: found?.asset.fileHash ?? '' };
    const verdict = { status: 'INFECTED' as const, result: 'Eicar', signatureVersion: null };
    await catalog.verdicts.record(context.identity, [{ ...content, verdict, onInfected: 'quarantine' }], context.audit);
    const response = await request(`/download/${id}`);
    expect([response.status, (await jsonOf(response)).code]).toEqual([422, 'VIRUS_FOUND']);
    const again = await jsonOf(await request('/upload', { method: 'POST', body: formOf('content') }));
    expect(again).toMatchObject({ status: 422, code: 'VIRUS_FOUND' });
  });
});

function formOf(text: string): FormData {
  const form = new FormData();
  form.set('file', new Blob([text]), 'again.txt');
  return form;
}

test('the description of a deletion has all that its answer has, though its bytes remain', async () => {
  const deleteMany: StorageBackend['deleteMany'] = async (keys) =>
    keys.map((key) => ({ key, error: new StorageError('UNAVAILABLE', 'away', { backend: 'local' }) }));
  const server = await startServer({ wrapStore: (store) => ({ ...store, deleteMany }) });
  const id = await server.stored('content');
  const answer = await server.request(`/assets/${id}`, { method: 'DELETE' });
  expect(answer.status).toBe(202);
  const described = await jsonOf(await server.request('/openapi.json'));
  const { schema } = described.paths['/assets/{id}'].delete.responses['202'].content['application/json'];
  expect(schema.properties.data.required).toEqual(Object.keys((await jsonOf(answer)).data));
});

test('what many send at once is all stored, and equal content once', async () => {
  const server = await startServer();
  const contents = Array.from({ length: 60 }, (_, index) => `content ${index % 20}`);
  const answers = await Promise.all(contents.map((content) => server.upload(content)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const { data } = await jsonOf(await server.request('/?limit=100'));
  expect(data).toHaveLength(60);
  const files = await server.workspace.storedFiles();
  expect(files.filter((path) => path.startsWith('acme/'))).toHaveLength(20);
  const { objects } = await (await server.workspace.catalog()).maintenance.status();
  expect(objects).toEqual({ PENDING: 0, STORED: 20, RETAINED: 0, DELETING: 0 });
  for (const [index, answer] of answers.entries()) {
    const { id } = (await jsonOf(answer)).data;
    expect(await (await server.request(`/download/${id}`)).text()).toBe(contents[index]);
  }
});

test('a request that names the type of a body which it does not have is like one without', async () => {
  const server = await startServer();
  const id = await server.stored('signed, then deleted');
  const headers = { 'content-type': 'application/json' };
  expect((await server.request(`/assets/${id}/sign`, { method: 'POST', headers })).status).toBe(200);
  expect((await server.request(`/assets/${id}/sign`, { method: 'POST', headers, body: '{' })).status).toBe(400);
  expect((await server.request(`/assets/${id}`, { method: 'DELETE', headers })).status).toBe(200);
});
