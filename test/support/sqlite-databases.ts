import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sqlite } from './sqlite-driver.ts';

/** A place for a database of a test file's own. */
export function temporaryDatabase(name = 'assets.db'): { url: string; directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'asset-cli-catalog-'));
  return {
    url: `sqlite:${join(directory, name)}`,
    directory,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Plain SQL from outside, by a connection of its own. */
export async function querySqlite(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const connection = new Sqlite(url.slice('sqlite:'.length), { timeout: 5000 });
  try {
    const prepared = connection.prepare<[], Record<string, unknown>>(statement);
    if (prepared.reader) return prepared.all();
    prepared.run();
    return [];
  } finally {
    connection.close();
  }
}
