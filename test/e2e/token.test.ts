import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

test('a token is shown once, listed without its secret, and revoked', async () => {
  const home = await temporaryDirectory();
  const run = (...args: string[]) => runProgram(home, args);
  const made = await run('token', 'create', '--name', 'ci', '--for-user', 'ada', '--for-org', 'acme', '--json');
  expect(made.code).toBe(0);
  const { token, ...grant } = JSON.parse(made.stdout);
  expect(token).toMatch(/^astk_/);
  expect(grant).toEqual({
    id: expect.any(String),
    userId: 'ada',
    organizationId: 'acme',
    role: 'member',
    scope: ['read', 'write'],
    expiresAt: expect.stringMatching(/Z$/),
  });

  const text = await run('token', 'create');
  expect(text.stdout).toMatch(/^astk_[A-Za-z0-9_-]{43}\n$/);
  expect(text.stderr).toContain('not shown again');

  const listed = await run('token', 'list', '--org', 'acme', '--json');
  expect(JSON.parse(listed.stdout).tokens).toMatchObject([
    { id: grant.id, name: 'ci', status: 'active', lastUsedAt: null },
  ]);
  expect(listed.stdout).not.toContain('astk_');
  const revoked = await run('token', 'revoke', grant.id.slice(0, 8), '--json');
  expect(JSON.parse(revoked.stdout)).toMatchObject({
    tokens: [{ id: grant.id, status: 'revoked' }],
    summary: { revoked: 1, failed: 0 },
  });
  const unknown = await run('token', 'revoke', '00000000', '--json');
  expect(unknown.code).toBe(4);
  expect(JSON.parse(unknown.stdout).failed).toMatchObject([{ id: '00000000', code: 'TOKEN_NOT_FOUND' }]);

  const trail = await run('audit', '--org', 'acme', '--json');
  expect(JSON.parse(trail.stdout).events.map(({ action }: { action: string }) => action)).toEqual([
    'token-revoked',
    'token-created',
  ]);
  const database = readFileSync(join(home, 'data/asset-cli/assets.db'));
  expect(database.includes(token.slice(5))).toBe(false);
  expect(trail.stdout).not.toContain(token);
});

test('a member cannot give itself more rights', async () => {
  const home = await temporaryDirectory();
  const args = ['token', 'create', '--role', 'member', '--for-role', 'operator', '--json'];
  const { code, stderr, stdout } = await runProgram(home, args);
  expect(code).toBe(5);
  expect(stdout).toBe('');
  expect(JSON.parse(stderr).error.code).toBe('NOT_PERMITTED');
});
