import type { ObjectRecord } from '../../catalog/catalog.ts';
import type { MigrateRun, MigrateSkipReason } from './migrate-run.ts';

export interface Skipped {
  source: ObjectRecord;
  reason: MigrateSkipReason;
  /** Where only some of its assets were meant; else all of them. */
  assetIds?: string[];
}

/** Says which assets stay where they are, and why, and keeps it with the run. */
export async function skipObjects(run: MigrateRun, skipped: readonly Skipped[]): Promise<void> {
  if (skipped.length === 0) return;
  const catalog = await run.context.catalog();
  const unnamed = skipped.filter(({ assetIds }) => assetIds === undefined);
  const references = await catalog.inventory.assetsOn(unnamed.map(({ source }) => source.id));
  if (!run.request.dryRun) {
    const rows = skipped.map(({ source: { id: objectId, organizationId, storagePath }, reason }) => {
      return { objectId, organizationId, storagePath, reason };
    });
    await catalog.migrations.recordSkips(run.id, rows);
  }
  for (const { source, reason, assetIds } of skipped) {
    const on = assetIds ?? references.filter(({ objectId }) => objectId === source.id).map(({ assetId }) => assetId);
    const ids = on.length === 0 ? [source.id] : on;
    run.skipped += ids.length;
    run.emit({ kind: 'skipped', ids, reason });
  }
}
