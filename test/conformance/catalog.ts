import { afterAll, beforeAll, describe } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { describeAudit } from './catalog-audit.ts';
import { describeBackup } from './catalog-backup.ts';
import { describeDeletes } from './catalog-deletes.ts';
import { describeFilters } from './catalog-filters.ts';
import { describeInventory } from './catalog-inventory.ts';
import { describeLifecycle } from './catalog-lifecycle.ts';
import { describeLists } from './catalog-lists.ts';
import { describeMoves } from './catalog-moves.ts';
import { describeOrganizations } from './catalog-organizations.ts';
import { describeOriginals } from './catalog-originals.ts';
import { describePurge } from './catalog-purge.ts';
import { describeRaces } from './catalog-races.ts';
import { describeRegistry } from './catalog-registry.ts';
import { describeServable } from './catalog-servable.ts';
import { describeTokens } from './catalog-tokens.ts';
import { describeUploads } from './catalog-uploads.ts';
import { describeVisibility } from './catalog-visibility.ts';

/** A database kind, as the suite uses it. */
export interface CatalogSuite {
  /** The URL of a database that nobody uses and that is empty. */
  freshUrl(): Promise<string>;
  /** The login for everyday work on a database whose schema has been made; without it: the same URL. */
  everydayUrl?(ownerUrl: string): Promise<string>;
  /** Plain SQL from outside, as the owner with psql or sqlite3; rows as that client gives them. */
  query(url: string, statement: string): Promise<Record<string, unknown>[]>;
}

export interface CatalogContext extends CatalogSuite {
  /** Shared by the tests of a file: each works in organisations of its own. */
  catalog(): Catalog;
  url(): string;
}

/** The catalog contract, as both databases keep it. */
export function describeCatalog(name: string, suite: CatalogSuite): void {
  describe(`${name} keeps the catalog contract`, () => {
    let catalog: Catalog;
    let url: string;
    beforeAll(async () => {
      const owner = await suite.freshUrl();
      await (await openCatalog(owner, { lockTimeout: 5000, migrate: 'auto' })).close();
      url = (await suite.everydayUrl?.(owner)) ?? owner;
      catalog = await openCatalog(url, { lockTimeout: 5000, migrate: 'auto' });
    });
    afterAll(async () => {
      await catalog?.close();
    });

    const context: CatalogContext = { ...suite, catalog: () => catalog, url: () => url };
    describeUploads(context);
    describeOriginals(context);
    describeDeletes(context);
    describeServable(context);
    describeLists(context);
    describeFilters(context);
    describeOrganizations(context);
    describeAudit(context);
    describeTokens(context);
    describeRegistry(context);
    describeBackup(context);
    describeLifecycle(context);
    describePurge(context);
    describeMoves(context);
    describeVisibility(context);
    describeInventory(context);
    describeRaces(context);
  });
}
