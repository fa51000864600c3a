import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { AUDIT, person } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

export function describeRegistry(context: CatalogContext): void {
  describe('backends and upkeep', () => {
    it('give a backend one id, however many ask at once', async () => {
      const name = `store-${randomUUID()}`;
      const { backends } = context.catalog();
      expect(await backends.find(name)).toBeUndefined();
      const records = await Promise.all(Array.from({ length: 5 }, () => backends.register(name, 'LOCAL')));
      expect(new Set(records.map((record) => record.backendId)).size).toBe(1);
      expect(records[0]).toMatchObject({ name, provider: 'LOCAL', markedAt: null });
    });

    it('mark and adopt a store', async () => {
      const name = `store-${randomUUID()}`;
      const { backends, audit } = context.catalog();
      const { backendId } = await backends.register(name, 'LOCAL');
      await backends.setMarked(name, randomUUID());
      expect((await backends.find(name))?.markedAt).toBeNull();
      await backends.setMarked(name, backendId);
      expect((await backends.find(name))?.markedAt).toMatch(/Z$/);
      const operator = person(`org-${randomUUID()}`, { role: 'operator' });
      const adopted = await backends.adopt(name, 'AWS_S3', operator, AUDIT);
      expect(adopted).toMatchObject({ name, provider: 'AWS_S3', markedAt: null });
      expect(adopted.backendId).not.toBe(backendId);
      expect(await backends.find(name)).toEqual(adopted);
      const { events } = await audit.page({ organization: operator.organization }, {}, 5);
      expect(events).toMatchObject([{ action: 'adopted', details: { backend: name, previousBackendId: backendId } }]);
    });

    it('answer with the same catalog when it is opened again', async () => {
      const again = await openCatalog(context.url(), { lockTimeout: 5000, migrate: 'never' });
      expect(again.catalogId).toBe(context.catalog().catalogId);
      await again.maintenance.check();
      const before = await again.maintenance.status();
      await again.maintenance.probeWriting();
      const status = await again.maintenance.status();
      expect(status.auditEvents).toBe(before.auditEvents);
      expect(status).toMatchObject({ schemaVersion: status.newestVersion, catalogId: again.catalogId });
      expect(status.size).toBeGreaterThan(0);
      await again.close();
    });

    it('refuse a database without a schema when it may not be made', async () => {
      const url = await context.freshUrl();
      await expect(openCatalog(url, { lockTimeout: 1000, migrate: 'never' })).rejects.toMatchObject({
        code: 'DATABASE_UNUSABLE',
      });
    });

    it("refuse someone else's database", async () => {
      const url = await context.freshUrl();
      await context.query(url, 'create table customers (id integer)');
      await expect(openCatalog(url, { lockTimeout: 1000, migrate: 'auto' })).rejects.toMatchObject({
        code: 'DATABASE_UNUSABLE',
        message: expect.stringContaining('customers'),
      });
    });
  });
}
