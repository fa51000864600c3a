import type { Asset } from '../../core/asset.ts';
import { formatSize } from '../../core/size.ts';
import { shortTime } from './dates.ts';
import { jsonText } from './json.ts';
import type { Column } from './table.ts';

/** The columns of a table of assets: from `list`, and from `upload`. */
export const ASSET_COLUMNS: readonly Column<Asset>[] = [
  {
    header: 'ID',
    value: (asset) => asset.id,
    width: 36,
    short: { below: 132, width: 8, value: (asset) => asset.id.slice(0, 8) },
  },
  { header: 'TYPE', value: (asset) => asset.assetType, width: 19, from: 64 },
  { header: 'SIZE', value: (asset) => formatSize(asset.fileSize), width: 8, align: 'right' },
  { header: 'BACKEND', value: (asset) => asset.backend, width: 10, from: 116 },
  { header: 'SCAN', value: (asset) => asset.virusScanStatus, width: 8, from: 100 },
  { header: 'CREATED (UTC)', value: (asset) => shortTime(asset.createdAt), width: 16, from: 84 },
  { header: 'NAME', value: (asset) => asset.originalFilename, width: 12, flexible: true },
];

/** The columns of `csv`: the fields of the JSON, tags as JSON. */
export const ASSET_FIELDS = [
  'id',
  'filename',
  'originalFilename',
  'fileSize',
  'mimeType',
  'fileHash',
  'assetType',
  'storageProvider',
  'backend',
  'storagePath',
  'cdnUrl',
  'userId',
  'organizationId',
  'projectId',
  'scanResultId',
  'isPublic',
  'isProcessed',
  'virusScanStatus',
  'virusScanResult',
  'expiresAt',
  'downloadCount',
  'lastAccessedAt',
  'createdAt',
  'updatedAt',
  'tags',
  'status',
  'trashedAt',
] as const satisfies readonly (keyof Asset)[];

export function assetRow(asset: Asset): (string | number | boolean | null)[] {
  return ASSET_FIELDS.map((field) => (field === 'tags' ? jsonText(asset.tags) : asset[field]));
}
