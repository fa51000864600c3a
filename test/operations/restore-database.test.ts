import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUpDatabase, restoreDatabase } from '../../src/operations/database.ts';
import { uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

test('a restore loses no line, however late the database begins to take them', async () => {
  const work = await createWorkspace();
  await uploadPaths(work.context(), [await writeText(work.directory, 'one.txt', 'content')]);
  const path = join(work.directory, 'backup.jsonl');
  await backUpDatabase(work.context(), { kind: 'file', path, force: false });
  const other = await createWorkspace();
  const context = other.context();
  const catalog = await other.catalog();
  context.catalog = async () => ({
    ...catalog,
    maintenance: {
      ...catalog.maintenance,
      async importLines(lines) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return catalog.maintenance.importLines(lines);
      },
    },
  });
  expect(await restoreDatabase(context, { kind: 'file', path })).toEqual({ assets: 1, objects: 1, auditEvents: 1 });
});
