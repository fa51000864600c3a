import { exportLines } from './backup/export.ts';
import { importLines } from './backup/import.ts';
import { readEveryTable } from './backup/read-every-table.ts';
import type { CatalogMaintenance } from './catalog.ts';
import type { Database } from './database.ts';
import { probeWriting } from './probe-writing.ts';
import { catalogStatus } from './status.ts';

export function catalogMaintenance(database: Database, catalogId: string): CatalogMaintenance {
  return {
    status: () => catalogStatus(database, catalogId),
    async check() {
      await database.check();
      await readEveryTable(database);
    },
    async ready() {
      const failure = database.failure?.();
      if (failure !== undefined) throw failure;
      await database.read((session) => session.now());
    },
    probeWriting: () => probeWriting(database),
    time: async () => new Date(await database.read((session) => session.now())),
    exportLines: () => exportLines(database, catalogId),
    importLines: (lines) => importLines(database, lines),
  };
}
