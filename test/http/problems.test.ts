import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { AssetError, ERROR_CODES } from '../../src/core/errors.ts';
import { MARKER_KEY } from '../../src/core/marker-key.ts';
import { describeFailure, HTTP_STATUS, toProblem } from '../../src/http/problems.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import { jsonOf, startServer } from '../support/http-server.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const SECRET = 'host db.internal, login root, /srv/private/store';

test.each(ERROR_CODES.filter((code) => HTTP_STATUS[code] >= 500))('of %s a client learns a sentence alone', (code) => {
  const problem = toProblem(new AssetError(code, SECRET, { hint: SECRET, cause: new Error(SECRET) }), 'r1');
  expect(JSON.stringify(problem)).not.toMatch(/db\.internal|root|private/);
  expect(problem).toMatchObject({ code, request_id: 'r1', detail: expect.any(String) });
  if (code !== 'UNEXPECTED') expect(problem.detail).not.toBe('An unexpected failure');
});

test('advice for the terminal is no hint for a client', () => {
  const problem = toProblem(new AssetError('USAGE', 'It is wrong', { hint: 'Give another: --name' }), 'r1');
  expect(problem.hint).toBe('See /openapi.json for what this server understands.');
  expect(toProblem(new AssetError('USAGE', 'It is wrong', { hint: 'Send less.' }), 'r1').hint).toBe('Send less.');
});

test('the log has the whole of what a client is not told, with its cause', async () => {
  const openStore = async () => {
    throw new Error(SECRET);
  };
  const server = await startServer({ workspace: { openStore } });
  const response = await server.upload('content');
  const problem = await jsonOf(response);
  expect([response.status, JSON.stringify(problem).includes('db.internal')]).toEqual([500, false]);
  const lines = server.log.filter(({ requestId, level }) => requestId === problem.request_id && level === 'error');
  expect(JSON.stringify(lines)).toContain(SECRET);
});

test('a failure of one file is logged with what was thrown', async () => {
  const wrapStore = (store: StorageBackend): StorageBackend => ({
    ...store,
    put: (key, ...rest) => (key === MARKER_KEY ? store.put(key, ...rest) : Promise.reject(new TypeError(SECRET))),
  });
  const server = await startServer({ wrapStore });
  const response = await server.upload('content');
  expect([response.status, (await response.text()).includes('db.internal')]).toEqual([500, false]);
  const messages = server.log.map(({ message }) => String(message));
  expect(messages).toContainEqual(expect.stringMatching(/Caused by: TypeError: host db\.internal/));
});

test('a store that refuses the server is no refusal of the client, and is named in the log alone', async () => {
  let refuses = false;
  const wrapStore = (store: StorageBackend): StorageBackend => {
    const refused = () => Promise.reject(new StorageError('DENIED', SECRET, { backend: store.name }));
    return {
      ...store,
      put: (key, ...rest) => (refuses ? refused() : store.put(key, ...rest)),
      get: (key, ...rest) => (refuses ? refused() : store.get(key, ...rest)),
    };
  };
  const server = await startServer({ wrapStore });
  const stored = await jsonOf(await server.upload('one'));
  refuses = true;
  for (const response of [await server.upload('two'), await server.request(`/download/${stored.data.id}`)]) {
    const problem = await jsonOf(response);
    expect([response.status, problem.code]).toEqual([503, 'STORE_FORBIDDEN']);
    expect(JSON.stringify(problem)).not.toContain('db.internal');
    const lines = server.log.filter(({ requestId, level }) => requestId === problem.request_id && level === 'error');
    expect(JSON.stringify(lines)).toContain(SECRET);
  }
});

test('a database that is away is named in the log alone', async () => {
  const server = await startServer({
    wrapCatalog: () => {
      throw new AssetError('UNAVAILABLE', SECRET);
    },
  });
  const response = await server.request('/readyz', { token: null });
  const problem = await jsonOf(response);
  expect([response.status, problem.code, JSON.stringify(problem).includes('db.internal')]).toEqual([
    503,
    'UNAVAILABLE',
    false,
  ]);
  expect(JSON.stringify(server.log.find(({ level }) => level === 'error'))).toContain(SECRET);
});

test('an error is logged with what led to it', () => {
  const text = describeFailure(new AssetError('UNAVAILABLE', 'outer', { cause: new Error('inner') }));
  expect(text).toMatch(/outer[\s\S]*Caused by: Error: inner/);
});

test('a server whose catalog takes no change any more is not ready', async () => {
  const file = join(await temporaryDirectory(), 'assets.db');
  const databaseUrl = `sqlite:${file}`;
  await (await openCatalog(databaseUrl, { lockTimeout: 1000, migrate: 'auto' })).close();
  const server = await startServer({ workspace: { databaseUrl } });
  const ready = () => server.request('/readyz', { token: null });
  expect((await ready()).status).toBe(200);
  // The log of the database goes before it is first synced.
  await rm(`${file}-wal`);
  await expect(server.token()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect((await ready()).status).toBe(503);
  expect(server.log).toContainEqual(
    expect.objectContaining({ level: 'error', message: expect.stringContaining('could not be written to the disk') }),
  );
});
