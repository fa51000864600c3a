import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeCatalog } from '../conformance/catalog.ts';
import { querySqlite, temporaryDatabase } from '../support/sqlite-databases.ts';

const { directory, remove } = temporaryDatabase();
afterAll(remove);

let count = 0;

describeCatalog('SQLite', {
  async freshUrl() {
    count += 1;
    return `sqlite:${join(directory, `${count}.db`)}`;
  },
  query: querySqlite,
});
