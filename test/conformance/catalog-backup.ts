import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { AUDIT, hashOf, person, storeAssets } from '../support/catalog-uploads.ts';
import type { CatalogContext } from './catalog.ts';

const PHOTOGRAPH = { sha256: hashOf('photograph'), profile: '1:512x512:keep:q82' };

export function describeBackup(context: CatalogContext): void {
  const open = async (url: string) => openCatalog(url, { lockTimeout: 5000, migrate: 'auto' });
  const fresh = async () => open(await context.freshUrl());
  const filled = async () => {
    const catalog = await fresh();
    const alice = person('acme');
    const { backendId } = await catalog.backends.register('local', 'LOCAL');
    await catalog.backends.setMarked('local', backendId);
    const assets = await storeAssets(catalog, alice, [
      { tags: { name: 'a\u2028b', team: 'red' }, expiresAt: '2039-01-01T00:00:00Z' },
      { isPublic: true, content: 'small', original: PHOTOGRAPH },
      { originalFilename: '\u{1F600}' },
    ]);
    await catalog.deletes.deleteAssets(alice, [assets[2]?.id ?? ''], 30, AUDIT);
    return { catalog, assets };
  };

  describe('backups', () => {
    it('bring everything into an empty catalog that then is another', async () => {
      const { catalog, assets } = await filled();
      const lines = await collect(catalog);
      const url = await context.freshUrl();
      const target = await open(url);
      expect(await target.maintenance.importLines(each(lines))).toEqual({ assets: 2, objects: 3, auditEvents: 4 });
      await target.close();
      const restored = await open(url);
      expect(restored.catalogId).not.toBe(catalog.catalogId);
      const scope = { organization: 'acme' };
      const query = { filter: {}, limit: 10 };
      expect(await restored.assets.page(scope, query)).toEqual(await catalog.assets.page(scope, query));
      expect(await restored.audit.page(scope, {}, 10)).toEqual(await catalog.audit.page(scope, {}, 10));
      const tagged = await restored.assets.page(scope, { filter: { tags: { team: 'red' } }, limit: 10 });
      expect(tagged.assets.map((asset) => asset.id)).toEqual([assets[0]?.id]);
      expect(await restored.backends.find('local')).toEqual(await catalog.backends.find('local'));
      expect(await restored.assets.knownResult('acme', 'local', PHOTOGRAPH)).toMatchObject({ kind: 'stored' });
      await storeAssets(restored, person('acme'), [{}]);
      expect((await restored.audit.page(scope, {}, 1)).events[0]?.action).toBe('uploaded');
      expect(lines.every((line) => !/[\n\r\u2028\u2029]/.test(line))).toBe(true);
      await restored.close();
      await catalog.close();
    });

    it('of the time when objects knew their original bring it back too', async () => {
      const { catalog } = await filled();
      const target = await fresh();
      await target.maintenance.importLines(each(asVersion1(await collect(catalog))));
      expect(await target.assets.knownResult('acme', 'local', PHOTOGRAPH)).toMatchObject({ kind: 'stored' });
      expect((await target.maintenance.status()).originals).toBe(1);
      await target.close();
      await catalog.close();
    });

    it('bring tags that SQLite once took, and PostgreSQL never, in a form that both take', async () => {
      const { catalog } = await filled();
      const lines = await collect(catalog);
      const odd = lines.slice(0, -1).map((line) => line.replace(/"team": ?"red"/, '"te\\u0000am":"r\\ud800ed"'));
      const { trailer } = JSON.parse(lines.at(-1) ?? '') as { trailer: object };
      const sha256 = hashOf(odd.map((line) => `${line}\n`).join(''));
      const target = await fresh();
      await target.maintenance.importLines(each([...odd, JSON.stringify({ trailer: { ...trailer, sha256 } })]));
      const filter = { tags: { 'te\ufffdam': 'r\ufffded' } };
      expect((await target.assets.page({ organization: 'acme' }, { filter, limit: 9 })).assets).toHaveLength(1);
      await target.close();
      await catalog.close();
    });

    it('of which two come at once fill a catalog once, and the other one finds it filled', async () => {
      const { catalog } = await filled();
      const lines = await collect(catalog);
      const url = await context.freshUrl();
      const hosts = await Promise.all([open(url), open(url)]);
      const ends = await Promise.allSettled(hosts.map((host) => host.maintenance.importLines(slowly(lines))));
      expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const lost = ends.find((end) => end.status === 'rejected');
      expect(lost?.reason).toMatchObject({ code: 'USAGE', message: expect.stringContaining('not empty') });
      for (const each of [...hosts, catalog]) await each.close();
    });

    it('refuse what is cut off, changed or no backup, and leave the catalog empty', async () => {
      const { catalog } = await filled();
      const lines = await collect(catalog);
      const target = await fresh();
      const refused = async (wrong: readonly string[], code: string) => {
        await expect(target.maintenance.importLines(each(wrong))).rejects.toMatchObject({ code });
      };
      await refused(lines.slice(0, -1), 'BYTES_DAMAGED');
      await refused([...lines.slice(0, 2), ...lines.slice(3)], 'BYTES_DAMAGED');
      await refused(
        lines.map((line) => line.replace('report.txt', 'xeport.txt')),
        'BYTES_DAMAGED',
      );
      await refused([...lines, 'more'], 'BYTES_DAMAGED');
      await refused(['{"format":"tar"}'], 'USAGE');
      await refused([(lines[0] ?? '').replace(/"version":\d+/, '"version":99')], 'SCHEMA_NEWER');
      await refused([], 'BYTES_DAMAGED');
      expect((await target.maintenance.status()).auditEvents).toBe(0);
      await target.maintenance.importLines(each(lines));
      await refused(lines, 'USAGE');
      await target.close();
      await catalog.close();
    });

    it('show one moment, whatever is written meanwhile', async () => {
      const url = await context.freshUrl();
      const catalog = await open(url);
      await storeAssets(catalog, person('acme'), [{}, {}]);
      const lines = catalog.maintenance.exportLines()[Symbol.asyncIterator]();
      const header = await lines.next();
      const other = await open(url);
      await storeAssets(other, person('acme'), [{}]);
      await other.close();
      const rest: string[] = [];
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value);
      expect(header.done).toBe(false);
      expect(JSON.parse(rest.at(-1) ?? '')).toMatchObject({ trailer: { rows: { assets: 2, audit_events: 2 } } });
      await catalog.close();
    });
  });
}

/** The same backup as it was written then. */
function asVersion1(lines: readonly string[]): string[] {
  const header = (lines[0] ?? '').replace(/"version":\d+/, '"version":1');
  const trailer = JSON.parse(lines.at(-1) ?? '').trailer as { rows: Record<string, number> };
  const { originals, ...rows } = trailer.rows;
  expect(originals).toBe(1);
  const rest = lines.slice(1, -1).map((line) => JSON.parse(line) as { table: string; row: Record<string, unknown> });
  const old = rest
    .filter(({ table }) => table !== 'originals')
    .map(({ table, row }) => {
      if (table !== 'objects') return JSON.stringify({ table, row });
      const made = row['sha256'] === hashOf('small') ? PHOTOGRAPH : { sha256: null, profile: null };
      return JSON.stringify({ table, row: { ...row, original_sha256: made.sha256, profile: made.profile } });
    });
  const before = [header, ...old];
  const sha256 = hashOf(before.map((line) => `${line}\n`).join(''));
  return [...before, JSON.stringify({ trailer: { rows, sha256 } })];
}

async function collect(catalog: Catalog): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of catalog.maintenance.exportLines()) lines.push(line);
  return lines;
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** So that both are at it at the same time. */
async function* slowly(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) {
    await sleep(10);
    yield line;
  }
}
