import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/http-server.ts';

async function eventsOf({ server, workspace }: TestServer, action: string) {
  await server.close();
  const { audit } = await workspace.catalog();
  const { events } = await audit.page({ allOrganizations: true }, { action }, 10);
  return events;
}

test.each([
  ['DELETE', '', 'deleted'],
  ['POST', '/sign', 'signed'],
])("%s of another organisation's asset is in the audit trail", async (method, rest, action) => {
  const server = await startServer();
  const id = await server.stored('content');
  const token = await server.token({ organization: 'other', user: 'eve' });
  const refused = await server.request(`/assets/${id}${rest}`, { method, token });
  expect(refused.status).toBe(404);
  const correlationId = refused.headers.get('x-request-id');
  expect(await eventsOf(server, action)).toMatchObject([
    { actor: 'eve', organizationId: 'other', outcome: 'refused', correlationId, details: { requested: id } },
  ]);
});

test.each([
  ['DELETE', `/assets/${randomUUID()}`, 'deleted', 'read'],
  ['POST', '/upload', 'uploaded', 'read'],
  ['POST', `/assets/${randomUUID()}/sign`, 'signed', 'write'],
  ['GET', `/download/${randomUUID()}`, 'downloaded', 'write'],
] as const)('%s %s with a token of another scope is in the audit trail', async (method, path, action, scope) => {
  const server = await startServer();
  const token = await server.token({}, { scope: [scope] });
  const refused = await server.request(path, { method, token });
  expect(refused.status).toBe(403);
  const correlationId = refused.headers.get('x-request-id');
  expect(await eventsOf(server, action)).toMatchObject([
    { actor: 'ada', outcome: 'refused', correlationId, details: { code: 'NOT_PERMITTED' } },
  ]);
});

test('a file that is too large is in the audit trail', async () => {
  const server = await startServer();
  expect((await server.upload('x'.repeat(2 ** 20 + 1))).status).toBe(413);
  expect(await eventsOf(server, 'uploaded')).toMatchObject([
    { actor: 'ada', outcome: 'refused', details: { code: 'FILE_TOO_LARGE' } },
  ]);
});

test('a token in a path is not in the audit trail', async () => {
  const server = await startServer();
  const secret = await server.token();
  expect((await server.request(`/download/%0A${secret}`)).status).toBe(404);
  const events = await eventsOf(server, 'downloaded');
  expect(events).toMatchObject([{ details: { requested: '\nastk_***', code: 'ASSET_NOT_FOUND' } }]);
  expect(JSON.stringify(events)).not.toContain(secret.slice(5, 30));
});

test('half a character in the name to download as is refused', async () => {
  const server = await startServer();
  const id = await server.stored('content');
  const body = '{"download_as":"\\ud800.txt"}';
  const headers = { 'content-type': 'application/json' };
  const response = await server.request(`/assets/${id}/sign`, { method: 'POST', headers, body });
  expect(response.status).toBe(400);
});

test('the URL of a public asset is the address at the CDN, unless a life is asked for', async () => {
  const server = await startServer({ content: { cdnDomains: new Map([['local', 'cdn.example.com']]) } });
  const id = await server.stored('content', { fields: { is_public: 'true' } });
  const urlOf = async (wish: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await server.request(`/assets/${id}/sign`, {
      method: 'POST',
      headers,
      body: JSON.stringify(wish),
    });
    return JSON.parse(await response.text()).data;
  };
  expect(await urlOf({})).toMatchObject({
    url: expect.stringMatching(/^https:\/\/cdn\.example\.com\//),
    expires_at: null,
  });
  expect(await urlOf({ expires_in: 60 })).toMatchObject({ expires_at: expect.any(String) });
});
