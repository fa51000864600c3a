import type { Asset } from '../../src/core/asset.ts';
import { moveBytes } from '../../src/operations/moving/move-bytes.ts';
import type { Workspace } from './workspace.ts';

/** Moves a public asset to another backend, as a migration does that leaves a former copy under the same address. */
export async function movePublic(work: Workspace, asset: Asset, backend: string): Promise<void> {
  const [found] = await (await work.catalog()).assets.byIds(work.context().identity, [asset.id]);
  if (found === undefined) throw new Error('not found');
  await moveBytes(work.context(), {
    source: found.object,
    to: { backend, storagePath: found.object.storagePath, isPublic: true },
    carry: { kind: 'all' },
    sourceEnd: { kind: 'retain', seconds: 60 },
    audit: { action: 'migrated', details: {} },
  });
}
