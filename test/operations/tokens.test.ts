import { describe, expect, test } from 'vitest';
import type { Identity } from '../../src/core/identity.ts';
import {
  createToken,
  hashOf,
  listTokens,
  revokeTokens,
  type TokenRequest,
} from '../../src/operations/tokens/tokens.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

const REQUEST: TokenRequest = { role: 'member', scope: ['read'], expiresInSeconds: 60, name: null };

const ada = (changes: Partial<Identity> = {}): Identity => ({
  user: 'ada',
  organization: 'acme',
  role: 'member',
  ...changes,
});

function createAs(workspace: Workspace, identity: Identity, changes: Partial<TokenRequest> = {}) {
  return createToken(workspace.context({ identity }), { ...REQUEST, ...changes });
}

describe('a token has no more rights than its creator', () => {
  test.each<[Identity['role'], Partial<TokenRequest>]>([
    ['member', { user: 'bob' }],
    ['member', { user: null }],
    ['member', { role: 'admin' }],
    ['member', { organization: 'other' }],
    ['admin', { role: 'operator' }],
    ['admin', { organization: 'other' }],
  ])('a %s may not make %j', async (role, changes) => {
    const workspace = await createWorkspace();
    await expect(createAs(workspace, ada({ role }), changes)).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    const catalog = await workspace.catalog();
    expect(await catalog.tokens.list({ scope: { allOrganizations: true } }, 5)).toEqual([]);
  });

  test.each<[Identity['role'], Partial<TokenRequest>, Partial<Identity>]>([
    ['member', {}, {}],
    ['admin', { user: 'bob', role: 'admin' }, { user: 'bob', role: 'admin' }],
    ['admin', { user: null }, { user: null }],
    [
      'operator',
      { user: 'bob', organization: 'other', role: 'operator' },
      { user: 'bob', organization: 'other', role: 'operator' },
    ],
  ])('a %s may make %j', async (role, changes, holder) => {
    const workspace = await createWorkspace();
    const { token, secret } = await createAs(workspace, ada({ role }), changes);
    const expected = ada(holder);
    expect(token).toMatchObject({
      userId: expected.user,
      organizationId: expected.organization,
      role: expected.role,
      createdBy: 'ada',
    });
    expect(secret).toMatch(/^astk_[A-Za-z0-9_-]{43}$/);
    const catalog = await workspace.catalog();
    expect((await catalog.tokens.byHash(hashOf(secret)))?.id).toBe(token.id);
  });
});

test.each<[Partial<TokenRequest>]>([
  [{ expiresInSeconds: 0 }],
  [{ expiresInSeconds: 11 * 366 * 86_400 }],
  [{ name: '' }],
  [{ name: 'two\nlines' }],
  [{ name: 'x'.repeat(201) }],
  [{ user: '../..' }],
])('%j is refused', async (changes) => {
  const workspace = await createWorkspace();
  await expect(createAs(workspace, ada({ role: 'operator' }), changes)).rejects.toMatchObject({ code: 'USAGE' });
});

test('a member sees and revokes its own tokens, an admin those of its organisation', async () => {
  const workspace = await createWorkspace();
  const operator = ada({ user: 'root', role: 'operator' });
  const mine = (await createAs(workspace, ada())).token;
  const bobs = (await createAs(workspace, operator, { user: 'bob' })).token;
  const foreign = (await createAs(workspace, operator, { organization: 'other' })).token;
  const seenBy = async (identity: Identity, allOrganizations = false) =>
    (await listTokens(workspace.context({ identity }), { allOrganizations })).map(({ id }) => id).sort();
  expect(await seenBy(ada())).toEqual([mine.id]);
  expect(await seenBy(ada({ role: 'admin' }))).toEqual([mine.id, bobs.id].sort());
  expect(await seenBy(operator, true)).toEqual([mine.id, bobs.id, foreign.id].sort());
  await expect(seenBy(ada({ role: 'admin' }), true)).rejects.toMatchObject({ code: 'NOT_PERMITTED' });

  const revokeAs = async (identity: Identity, ...ids: string[]) => {
    const outcomes: string[] = [];
    for await (const each of revokeTokens(workspace.context({ identity }), ids)) outcomes.push(each.kind);
    return outcomes;
  };
  expect(await revokeAs(ada(), bobs.id, mine.id.slice(0, 8), 'nonsense')).toEqual(['failed', 'revoked', 'failed']);
  expect(await revokeAs(ada({ role: 'admin' }), bobs.id, foreign.id)).toEqual(['revoked', 'failed']);
  expect(await revokeAs(operator, foreign.id)).toEqual(['revoked']);
  const states = await listTokens(workspace.context({ identity: operator }), { allOrganizations: true });
  expect(states.map(({ state }) => state)).toEqual(['revoked', 'revoked', 'revoked']);
});
