import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll } from 'vitest';
import { describeCatalog } from '../conformance/catalog.ts';

const directory = mkdtempSync(join(tmpdir(), 'asset-cli-catalog-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;

describeCatalog('SQLite', {
  async freshUrl() {
    count += 1;
    return `sqlite:${join(directory, `${count}.db`)}`;
  },
  async query(url, statement) {
    const connection = new BetterSqlite3(url.slice('sqlite:'.length), { timeout: 5000 });
    try {
      const prepared = connection.prepare(statement);
      if (prepared.reader) return prepared.all() as Record<string, unknown>[];
      prepared.run();
      return [];
    } finally {
      connection.close();
    }
  },
});
