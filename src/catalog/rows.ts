import type { Selectable } from 'kysely';
import type { Asset, AssetStatus, ScanStatus, StorageProvider, Tags } from '../core/asset.ts';
import type { StorageKey } from '../core/storage-key.ts';
import type { ObjectRecord, ObjectState } from './catalog.ts';
import type { AssetTables, OpenTables } from './tables.ts';

type AssetRow = Selectable<AssetTables['assets']>;
type ObjectRow = Selectable<OpenTables['objects']>;

/** A row of `assets` as users see it. The database's checks hold the words to those of the core. */
export function toAsset(row: AssetRow): Asset {
  return {
    id: row.id,
    filename: row.filename,
    originalFilename: row.original_filename,
    fileSize: row.file_size,
    mimeType: row.mime_type,
    fileHash: row.file_hash,
    assetType: row.asset_type,
    storageProvider: row.storage_provider as StorageProvider,
    backend: row.backend,
    storagePath: row.storage_path,
    cdnUrl: row.cdn_url,
    userId: row.user_id,
    organizationId: row.organization_id,
    projectId: row.project_id,
    scanResultId: row.scan_result_id,
    isPublic: Boolean(row.is_public),
    isProcessed: Boolean(row.is_processed),
    virusScanStatus: row.virus_scan_status as ScanStatus,
    virusScanResult: row.virus_scan_result,
    expiresAt: row.expires_at,
    downloadCount: row.download_count,
    lastAccessedAt: row.last_accessed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    tags: JSON.parse(row.tags) as Tags,
    status: row.status as AssetStatus,
    trashedAt: row.trashed_at,
  };
}

/** A row of `objects`. What the store has not reported yet (PENDING) is empty. */
export function toObjectRecord(row: ObjectRow): ObjectRecord {
  return {
    id: row.id,
    organizationId: row.organization_id,
    backend: row.backend,
    storageProvider: row.storage_provider as StorageProvider,
    storagePath: row.storage_path as StorageKey,
    size: row.size,
    sha256: row.sha256,
    isPublic: Boolean(row.is_public),
    state: row.state as ObjectState,
    claim: row.claim,
    leaseExpiresAt: row.lease_expires_at,
    damagedAt: row.damaged_at,
    storedSize: row.stored_size ?? row.size,
    contentEncoding: row.content_encoding,
    storedSha256: row.stored_sha256,
    storedMd5: row.stored_md5,
    storedCrc32c: row.stored_crc32c,
    etag: row.etag ?? '',
  };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
