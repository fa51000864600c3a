import { expect, test } from 'vitest';
import type { ScanStatus } from '../../src/core/asset.ts';
import { purgeExpired } from '../../src/operations/removal/purge-expired.ts';
import { scanAssets } from '../../src/operations/scan/scan.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

function scanAll(work: Workspace, status: ScanStatus, onInfected: 'quarantine' | 'delete') {
  const version = { engine: 'ClamAV', signatureVersion: '1', signatureDate: null };
  const scanner = {
    scan: async () => ({ status, result: 'as the scanner says', signatureVersion: '1', scannedAt: new Date() }),
    version: async () => version,
    inspect: async () => ({ ...version, sizeLimit: null, reportsExceededLimits: true }),
  };
  const scanning = { mode: 'auto', expected: true, scanner: async () => scanner } as const;
  const scope = { organization: 'acme' };
  const filter = { status: 'any', expired: 'include' } as const;
  const selection = { kind: 'filter', scope, filter, which: 'all', everything: false } as const;
  return collect(scanAssets(work.context({ scanning }), { selection, onInfected, concurrency: 1 }));
}

test('what is known as infected is dealt with by the scan that could not examine it, not by a later one', async () => {
  const work = await createWorkspace();
  const { id } = assetOf((await uploadPaths(work.context(), [await writeText(work.directory, 'a.txt', 'bad')]))[0]);
  await scanAll(work, 'INFECTED', 'quarantine');
  const deleted = { verdict: { status: 'INFECTED' }, assetIds: [id], treatment: { kind: 'done', deed: 'deleted' } };
  expect(await scanAll(work, 'PENDING', 'delete')).toMatchObject([deleted]);
  const purge = { allOrganizations: false, dryRun: false };
  expect(await collect(purgeExpired(work.context(), purge))).not.toContainEqual({ kind: 'quarantined', count: 1 });
});
