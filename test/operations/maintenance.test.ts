import { describeMaintenance } from '../conformance/maintenance.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { runSql } from '../support/postgres-databases.ts';
import { Sqlite } from '../support/sqlite-driver.ts';

await describeEachDatabase('LOCAL', ({ name, createWorkspace }) =>
  describeMaintenance(`${name} and LOCAL`, {
    create: (backends = ['local']) => createWorkspace({ backends }),
    async query({ databaseUrl }, statement) {
      if (name === 'PostgreSQL') {
        await runSql(databaseUrl, statement);
        return;
      }
      const connection = new Sqlite(databaseUrl.slice('sqlite:'.length), { timeout: 5000 });
      connection.prepare(statement).run();
      connection.close();
    },
  }),
);
