import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AuditEvent, AuditFilter } from '../../src/catalog/catalog.ts';
import { AUDIT, freshOrganization, only, person, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeAudit(context: CatalogContext): void {
  const pages = async (organization: string, filter: AuditFilter, limit: number): Promise<AuditEvent[]> => {
    const found: AuditEvent[] = [];
    let after: string | undefined;
    do {
      const page = await context.catalog().audit.page({ organization }, filter, limit, after);
      found.push(...page.events);
      after = page.nextCursor ?? undefined;
    } while (after !== undefined);
    return found;
  };
  const event = (organizationId: string, action: string, actor: string | null, assetId: string | null = null) => ({
    organizationId,
    action,
    actor,
    assetId,
    outcome: 'success' as const,
    details: { note: action },
  });

  describe('audit trail', () => {
    it('pages newest first, each event once, by every filter', async () => {
      const { organization } = person(freshOrganization());
      const actions = ['one', 'two', 'three', 'four', 'five'];
      await context.catalog().audit.record(
        actions.map((action) => event(organization, action, action === 'two' ? null : 'alice')),
        AUDIT,
      );
      await context.catalog().audit.record([event(organization, 'one', 'bob')], AUDIT);
      const found = await pages(organization, {}, 2);
      expect(found.map((one) => one.action)).toEqual(['one', 'five', 'four', 'three', 'two', 'one']);
      expect(new Set(found.map((one) => one.id)).size).toBe(6);
      expect((await pages(organization, { actor: 'alice' }, 3)).map((one) => one.action)).toEqual(
        actions.filter((action) => action !== 'two').toReversed(),
      );
      expect(await pages(organization, { action: 'one' }, 1)).toHaveLength(2);
      const time = found[0]?.time ?? '';
      expect((await pages(organization, { since: time }, 9)).length).toBeGreaterThan(0);
      expect(await pages(organization, { since: time, until: time }, 9)).toEqual([]);
      expect(await pages(organization, { assetId: 'no-uuid' }, 9)).toEqual([]);
      expect(only(await pages(organization, { actor: 'bob' }, 9)).details).toEqual({ note: 'one' });
    });

    it('shows a member its own deeds and what happened to its own assets, deleted ones too', async () => {
      const alice = person(freshOrganization());
      const bob = person(alice.organization, { user: 'bob' });
      const admin = person(alice.organization, { user: 'carol', role: 'admin' });
      const asset = only(await storeAssets(context.catalog(), alice, [{}]));
      await storeAssets(context.catalog(), bob, [{}]);
      await context.catalog().deletes.deleteAssets(bob, [asset.id], 30, AUDIT);
      await context.catalog().deletes.deleteAssets(admin, [asset.id], 30, AUDIT);
      const seen = async (user: string, limit: number) =>
        (await pages(alice.organization, { visibleToUser: user }, limit)).map(
          (one) => `${one.actor} ${one.action} ${one.outcome}`,
        );
      expect(await seen('alice', 1)).toEqual([
        'carol deleted success',
        'bob deleted refused',
        'alice uploaded success',
      ]);
      expect(await seen('bob', 1)).toEqual(['bob deleted refused', 'bob uploaded success']);
      expect(await seen('dave', 1)).toEqual([]);
    });

    it('counts downloads with their events', async () => {
      const alice = person(freshOrganization());
      const asset = only(await storeAssets(context.catalog(), alice, [{}]));
      const bob = {
        identity: person(alice.organization, { user: 'bob' }),
        audit: { host: 'other', correlationId: 'c2' },
      };
      const download = {
        by: { identity: alice, audit: AUDIT },
        assetId: asset.id,
        organizationId: alice.organization,
        bytes: 36,
        isWhole: true,
      };
      const gone = { ...download, by: bob, assetId: randomUUID() };
      await context.catalog().audit.recordDownloads([download, download, gone], 1000);
      const part = { ...download, bytes: 2, range: { start: 0, end: 1 }, isWhole: false };
      await context.catalog().audit.recordDownloads([part], 1000);
      const found = only(await context.catalog().assets.byIds(alice, [asset.id]));
      expect(found.asset).toMatchObject({ downloadCount: 2, lastAccessedAt: expect.any(String) });
      const events = await pages(alice.organization, { action: 'downloaded' }, 9);
      expect(events.map((one) => one.details)).toEqual([
        { bytes: 2, range: { start: 0, end: 1 } },
        ...[{ bytes: 36 }, { bytes: 36 }, { bytes: 36 }],
      ]);
      expect(events.map(({ actor, host, correlationId }) => [actor, host, correlationId])).toEqual([
        ['alice', AUDIT.host, AUDIT.correlationId],
        ['bob', 'other', 'c2'],
        ...[0, 1].map(() => ['alice', AUDIT.host, AUDIT.correlationId]),
      ]);
    });

    it('keeps any text, even what a database cannot store as it is', async () => {
      const { organization } = person(freshOrganization());
      const odd = { ...event(organization, 'odd', 'alice'), details: { text: 'a\u0000b\ud800c "\u2028' } };
      await context.catalog().audit.record([{ ...odd, assetId: 'not a uuid' }], AUDIT);
      const found = only(await pages(organization, {}, 9));
      expect(found.assetId).toBeNull();
      expect(found.details).toMatchObject({ id: 'not a uuid', text: expect.stringMatching(/^a.b.c "\u2028$/su) });
    });

    it('is append-only for everyone', async () => {
      const { organization } = person(freshOrganization());
      await context.catalog().audit.record([event(organization, 'kept', 'alice')], AUDIT);
      const where = `where organization_id = '${organization}'`;
      for (const statement of [`update audit_events set actor = 'x' ${where}`, `delete from audit_events ${where}`]) {
        await expect(context.query(context.url(), statement)).rejects.toThrow(/append-only/);
      }
      expect(only(await pages(organization, {}, 9)).actor).toBe('alice');
    });
  });
}
