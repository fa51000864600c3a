import { expect, test } from 'vitest';
import { assetReads } from '../../src/catalog/assets/asset-reads.ts';
import type { Database } from '../../src/catalog/database.ts';
import { openSqlite } from '../../src/catalog/sqlite/open.ts';
import { treatInfected } from '../../src/operations/scan/infected-content.ts';
import { assetOf, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

test('an asset that is moved between the questions of a page is told as it was before, with its place', async () => {
  const work = await createWorkspace();
  const path = await writeText(work.directory, 'one.txt', 'a virus');
  const asset = assetOf((await uploadPaths(work.context(), [path]))[0]);
  const database = await openSqlite(work.databaseUrl, { lockTimeout: 1000, migrate: 'auto' });
  let isMoved = false;
  const moving = async () => {
    isMoved = true;
    const context = work.context();
    const content = { organizationId: 'acme', sha256: asset.fileHash };
    const verdict = { status: 'INFECTED' as const, result: 'Eicar', signatureVersion: null };
    const finding = { ...content, verdict, onInfected: 'quarantine' as const };
    await (await work.catalog()).verdicts.record(context.identity, [finding], context.audit);
    await treatInfected(context, { ...content, wanted: 'quarantine', signature: 'Eicar' });
  };
  const snapshot: Database['snapshot'] = (ask) =>
    database.snapshot((session) => {
      const db = session.db.withPlugin({
        transformQuery: ({ node }) => node,
        async transformResult({ result }) {
          if (!isMoved && result.rows.some((row) => 'original_filename' in row)) await moving();
          return result;
        },
      });
      return ask({ ...session, db });
    });
  const { assets } = await assetReads({ ...database, snapshot }).pageWithObjects(
    { organization: 'acme' },
    { filter: {}, limit: 9 },
  );
  await database.close();
  expect(isMoved).toBe(true);
  expect(assets).toMatchObject([{ asset: { status: 'active', storagePath: asset.storagePath } }]);
  expect(assets[0]?.asset.storagePath).toBe(assets[0]?.object.storagePath);
});
