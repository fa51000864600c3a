import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { NewToken } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { AUDIT, freshOrganization, hashOf, person } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

function newToken(organizationId: string, changes: Partial<NewToken> = {}): NewToken {
  return {
    hash: hashOf(randomUUID()),
    name: 'ci',
    userId: 'alice',
    organizationId,
    role: 'member',
    scope: ['read', 'write'],
    expiresInSeconds: 3600,
    ...changes,
  };
}

export function describeTokens(context: CatalogContext): void {
  describe('tokens', () => {
    it('are found by their hash, and audited', async () => {
      const organization = freshOrganization();
      const { tokens, audit } = context.catalog();
      const wanted = newToken(organization);
      const made = await tokens.create(person(organization, { user: 'root' }), wanted, AUDIT);
      const { hash, expiresInSeconds, ...grant } = wanted;
      expect(made).toMatchObject({ ...grant, createdBy: 'root', lastUsedAt: null, revokedAt: null, state: 'active' });
      expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBe(expiresInSeconds * 1000);
      expect(await tokens.byHash(hash)).toEqual(made);
      expect(await tokens.byHash(hashOf('another'))).toBeUndefined();
      const { events } = await audit.page({ organization }, {}, 5);
      expect(events).toMatchObject([{ action: 'token-created', actor: 'root', details: { token: made.id } }]);
      expect(JSON.stringify(events)).not.toContain(hash);
    });

    it('end at their time, by the clock of the database', async () => {
      const organization = freshOrganization();
      const { tokens } = context.catalog();
      const wanted = newToken(organization, { expiresInSeconds: 1 });
      await tokens.create(person(organization), wanted, AUDIT);
      await sleep(1100);
      expect(await tokens.byHash(wanted.hash)).toMatchObject({ state: 'expired' });
    });

    it('are revoked once, for every connection', async () => {
      const organization = freshOrganization();
      const { tokens, audit } = context.catalog();
      const wanted = newToken(organization);
      const { id } = await tokens.create(person(organization), wanted, AUDIT);
      const revoked = await tokens.revoke(person(organization), id, AUDIT);
      expect(revoked).toMatchObject({ id, state: 'revoked', revokedAt: expect.stringMatching(/Z$/) });
      expect(await tokens.revoke(person(organization), id, AUDIT)).toEqual(revoked);
      expect(await tokens.revoke(person(organization), randomUUID(), AUDIT)).toBeUndefined();
      const other = await openCatalog(context.url(), { lockTimeout: 5000, migrate: 'never' });
      expect(await other.tokens.byHash(wanted.hash)).toEqual(revoked);
      await other.close();
      const { events } = await audit.page({ organization }, { action: 'token-revoked' }, 5);
      expect(events).toHaveLength(1);
    });

    it('say when they were used last', async () => {
      const organization = freshOrganization();
      const { tokens } = context.catalog();
      const wanted = [newToken(organization), newToken(organization)];
      const made = await Promise.all(wanted.map((each) => tokens.create(person(organization), each, AUDIT)));
      await tokens.noteUse([]);
      await tokens.noteUse([made[0]?.id ?? '']);
      expect((await tokens.byHash(wanted[0]?.hash ?? ''))?.lastUsedAt).toMatch(/Z$/);
      expect((await tokens.byHash(wanted[1]?.hash ?? ''))?.lastUsedAt).toBeNull();
    });

    it('are listed by organisation, user and id, newest first', async () => {
      const organization = freshOrganization();
      const { tokens } = context.catalog();
      const creator = person(organization);
      const first = await tokens.create(creator, newToken(organization, { scope: ['read'] }), AUDIT);
      await sleep(5);
      const nobody = await tokens.create(creator, newToken(organization, { userId: null, name: null }), AUDIT);
      const elsewhere = freshOrganization();
      const foreign = await tokens.create(creator, newToken(elsewhere), AUDIT);
      const ids = async (filter: Parameters<typeof tokens.list>[0], limit = 10) =>
        (await tokens.list(filter, limit)).map(({ id }) => id);
      const scope = { organization };
      expect(await ids({ scope })).toEqual([nobody.id, first.id]);
      expect(await ids({ scope }, 1)).toEqual([nobody.id]);
      expect(await ids({ scope, user: 'alice' })).toEqual([first.id]);
      expect(await ids({ scope, user: null })).toEqual([nobody.id]);
      expect(await ids({ scope: { allOrganizations: true }, prefix: foreign.id.slice(0, 13).toUpperCase() })).toEqual([
        foreign.id,
      ]);
      expect(await ids({ scope, prefix: foreign.id })).toEqual([]);
    });

    it('keep two from having one hash', async () => {
      const organization = freshOrganization();
      const { tokens } = context.catalog();
      const wanted = newToken(organization);
      await tokens.create(person(organization), wanted, AUDIT);
      await expect(tokens.create(person(organization), wanted, AUDIT)).rejects.toThrow();
    });

    it('go into a backup and come back', async () => {
      const source = await openCatalog(await context.freshUrl(), { lockTimeout: 5000, migrate: 'auto' });
      const wanted = newToken('acme');
      const made = await source.tokens.create(person('acme'), wanted, AUDIT);
      const target = await openCatalog(await context.freshUrl(), { lockTimeout: 5000, migrate: 'auto' });
      await target.maintenance.importLines(source.maintenance.exportLines());
      expect(await target.tokens.byHash(wanted.hash)).toEqual(made);
      await source.close();
      await target.close();
    });
  });
}
