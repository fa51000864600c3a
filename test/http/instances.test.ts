import { afterAll, expect, test } from 'vitest';
import { AssetError } from '../../src/core/errors.ts';
import { toSigningKey } from '../../src/core/signed-path.ts';
import { revokeTokens } from '../../src/operations/tokens/tokens.ts';
import { openBackend } from '../../src/storage/open.ts';
import { jsonOf, PUBLIC_URL, startServer } from '../support/http-server.ts';
import { postgresDatabases } from '../support/postgres-databases.ts';
import { describeWithService } from '../support/services/index.ts';
import { temporaryDirectory } from '../support/workspace.ts';

await describeWithService('postgres', 'servers that share a PostgreSQL and a store', ({ url: adminUrl }) => {
  const databases = postgresDatabases(adminUrl);
  afterAll(() => databases.dropAll());

  async function twoServers() {
    const databaseUrl = await databases.create();
    const path = await temporaryDirectory();
    const signingKeys = () => [toSigningKey('s'.repeat(32))];
    const signing = { publicUrl: () => PUBLIC_URL, keys: signingKeys };
    const openStore = (name: string) =>
      openBackend({ name, provider: 'LOCAL', path: `${path}/store`, signing }, { connect: 1000, deadline: 2000 });
    const setup = { workspace: { databaseUrl, openStore }, signingKeys };
    return [await startServer(setup), await startServer(setup)] as const;
  }

  test('answer for each other: tokens, assets and signed URLs', async () => {
    const [one, other] = await twoServers();
    const token = await one.token();
    const id = await one.stored('the content', { token });
    expect(await (await other.request(`/download/${id}`, { token })).text()).toBe('the content');
    expect((await jsonOf(await other.request('/', { token }))).data).toMatchObject([{ id }]);
    const path = await one.sign(id);
    expect(await (await other.request(path, { token: null })).text()).toBe('the content');
    expect((await other.request(`/assets/${id}`, { method: 'DELETE', token })).status).toBe(200);
    expect((await one.request(path, { token: null })).status).toBe(404);
  });

  test('refuse a token that was revoked elsewhere, at once', async () => {
    const [one, other] = await twoServers();
    const token = await one.token();
    for (const server of [one, other]) expect((await server.request('/', { token })).status).toBe(200);
    const catalog = await one.workspace.catalog();
    const all = await catalog.tokens.list({ scope: { allOrganizations: true } }, 10);
    const ids = all.map((each) => each.id);
    for await (const outcome of revokeTokens(one.workspace.context(), ids)) expect(outcome.kind).toBe('revoked');
    for (const server of [one, other]) expect((await server.request('/', { token })).status).toBe(401);
  });

  test('store the same content once, whichever of them gets it', async () => {
    const [one, other] = await twoServers();
    const token = await one.token();
    const uploads = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? one : other).upload(`content ${index >> 2}`, { token }),
    );
    for (const response of await Promise.all(uploads)) expect(response.status).toBe(201);
    const { objects, assets } = await (await one.workspace.catalog()).maintenance.status();
    expect([objects.STORED, assets.active]).toEqual([5, 20]);
  });
});

test('a server whose catalog is away says that it is not ready, and comes back', async () => {
  let isAway = false;
  const server = await startServer({
    wrapCatalog: (catalog) => {
      if (isAway) throw new AssetError('UNAVAILABLE', 'the database is away');
      return catalog;
    },
  });
  expect((await server.request('/readyz', { token: null })).status).toBe(200);
  isAway = true;
  const away = await server.request('/readyz', { token: null });
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
  expect((await server.request('/healthz', { token: null })).status).toBe(200);
  isAway = false;
  expect((await server.request('/readyz', { token: null })).status).toBe(200);
});
