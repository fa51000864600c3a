import { expect, test, vi } from 'vitest';
import { createAuthenticator } from '../../src/operations/tokens/authenticate.ts';
import { createToken } from '../../src/operations/tokens/tokens.ts';
import { createWorkspace } from '../support/workspace.ts';

async function authenticator() {
  const workspace = await createWorkspace();
  const context = workspace.context();
  const catalog = await workspace.catalog();
  const { token, secret } = await createToken(context, {
    role: 'member',
    scope: ['write'],
    expiresInSeconds: 60,
    name: null,
  });
  const byHash = vi.fn(catalog.tokens.byHash);
  const watched = { ...catalog, tokens: { ...catalog.tokens, byHash } };
  const { bearerOf } = createAuthenticator({ ...context, catalog: async () => watched });
  const revoke = () => catalog.tokens.revoke(context.identity, token.id, context.audit);
  return { bearerOf, byHash, secret, token, revoke };
}

test('requests that came before a question share its answer, those after it ask anew', async () => {
  const { bearerOf, byHash, secret, token } = await authenticator();
  const arrived = performance.now();
  for (let request = 0; request < 3; request += 1) {
    expect(await bearerOf(secret, arrived)).toMatchObject({ tokenId: token.id, scope: ['write'] });
  }
  expect(byHash).toHaveBeenCalledTimes(1);
  await bearerOf(secret, performance.now());
  expect(byHash).toHaveBeenCalledTimes(2);
});

test('a request that comes after its token was revoked is refused', async () => {
  const { bearerOf, secret, revoke } = await authenticator();
  await bearerOf(secret, performance.now());
  await revoke();
  await expect(bearerOf(secret, performance.now())).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
});

test('nobody shares the answer of another token', async () => {
  const { bearerOf, secret } = await authenticator();
  const arrived = performance.now();
  await bearerOf(secret, arrived);
  const other = `astk_${'A'.repeat(43)}`;
  await expect(bearerOf(other, arrived)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
});
