import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { runSql } from './postgres-databases.ts';
import { createCatalogDatabase, describeWithService } from './services/index.ts';
import { Sqlite } from './sqlite-driver.ts';
import { createWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts';

/** An empty catalog of one test's own, as the program and as plain SQL meet it. */
export interface TestCatalog {
  /** What leads the program to it, as an operator; nothing where that is its default. */
  env: Record<string, string>;
  query(statement: string): Promise<Record<string, unknown>[]>;
}

/** A database as tests of commands and operations meet it. PostgreSQL by the login that has the documented rights alone. */
export interface DatabaseKind {
  name: 'SQLite' | 'PostgreSQL';
  /** For the program at home in this directory. */
  create(home: string): Promise<TestCatalog>;
  createWorkspace(options?: WorkspaceOptions): Promise<Workspace>;
}

const sqlite: DatabaseKind = {
  name: 'SQLite',
  async create(home) {
    const folder = join(home, 'data', 'asset-cli');
    return {
      env: {},
      async query(statement) {
        mkdirSync(folder, { recursive: true });
        const connection = new Sqlite(join(folder, 'assets.db'), { timeout: 5000 });
        const prepared = connection.prepare<[], Record<string, unknown>>(statement);
        const rows = prepared.reader ? prepared.all() : [];
        if (!prepared.reader) prepared.run();
        connection.close();
        return rows;
      },
    };
  },
  createWorkspace,
};

const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  async create() {
    const { url, ownerUrl } = await createCatalogDatabase();
    return {
      env: { ASSET_CLI_DATABASE: url, ASSET_CLI_ROLE: 'operator' },
      query: (statement) => runSql(ownerUrl, statement),
    };
  },
  createWorkspace: async (options) => createWorkspace({ ...options, databaseUrl: (await createCatalogDatabase()).url }),
};

/** Like `describe`, once for each database. Await it at the top of a file. */
export async function describeEachDatabase(title: string, define: (database: DatabaseKind) => void): Promise<void> {
  describe(`${title}: SQLite`, () => define(sqlite));
  await describeWithService('postgres', `${title}: PostgreSQL`, () => define(postgres));
}
