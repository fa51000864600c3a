import type { Tags } from '../../core/asset.ts';
import type { TableRow } from '../tables.ts';

/** The rows that let `--tag` find an asset; its own column `tags` is what users read. */
export function tagRows(asset: TableRow<'assets'>): TableRow<'asset_tags'>[] {
  if (asset.tags === '{}') return [];
  return Object.entries(JSON.parse(asset.tags) as Tags).map(([name, value]) => ({
    asset_id: asset.id,
    organization_id: asset.organization_id,
    name,
    value,
    created_at: asset.created_at,
  }));
}
