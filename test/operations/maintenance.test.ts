import BetterSqlite3 from 'better-sqlite3';
import { describeMaintenance } from '../conformance/maintenance.ts';
import { createWorkspace } from '../support/workspace.ts';

describeMaintenance('SQLite and LOCAL', {
  create: (backends = ['local']) => createWorkspace({ backends }),
  async query(work, statement) {
    const connection = new BetterSqlite3(work.databaseUrl.slice('sqlite:'.length), { timeout: 5000 });
    connection.prepare(statement).run();
    connection.close();
  },
});
