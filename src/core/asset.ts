/** The asset types of the specification; a configuration may name more (ASSET_TYPE_PATTERN). */
export const BUILT_IN_ASSET_TYPES = [
  'USER_AVATAR',
  'PROJECT_LOGO',
  'DOCUMENT_UPLOAD',
  'LLM_TXT',
  'CONTENT_BRIEF',
  'SEO_REPORT',
  'COMPETITOR_ANALYSIS',
  'EMAIL_ATTACHMENT',
  'EXPORT_FILE',
  'BACKUP_FILE',
] as const;

export const DEFAULT_ASSET_TYPE = 'DOCUMENT_UPLOAD';
export const ASSET_TYPE_PATTERN = /^[A-Z][A-Z0-9_]{0,63}$/;

export const STORAGE_PROVIDERS = ['LOCAL', 'GOOGLE_CLOUD_STORAGE', 'AWS_S3', 'AZURE_BLOB'] as const;
export type StorageProvider = (typeof STORAGE_PROVIDERS)[number];

export const SCAN_STATUSES = ['PENDING', 'CLEAN', 'INFECTED'] as const;
export type ScanStatus = (typeof SCAN_STATUSES)[number];

/** Shown in this order of precedence: trashed, quarantined, damaged, active. */
export const ASSET_STATUSES = ['active', 'trashed', 'quarantined', 'damaged'] as const;
export type AssetStatus = (typeof ASSET_STATUSES)[number];

export type Tags = Readonly<Record<string, string>>;

/**
 * An asset as users and programs see it: the JSON of every command.
 * Times are ISO 8601 in UTC with milliseconds; what is absent is null, never missing.
 */
export interface Asset {
  /** UUIDv4. What is uploaded together begins with the same three digits. */
  id: string;
  /** The stored name: the last segment of the storage path. */
  filename: string;
  originalFilename: string;
  /** Bytes of the content that a download returns. */
  fileSize: number;
  mimeType: string;
  /** SHA-256 in lower-case hex of the content that a download returns. */
  fileHash: string;
  assetType: string;
  storageProvider: StorageProvider;
  backend: string;
  storagePath: string;
  cdnUrl: string | null;
  userId: string | null;
  organizationId: string;
  projectId: string | null;
  scanResultId: string | null;
  isPublic: boolean;
  isProcessed: boolean;
  virusScanStatus: ScanStatus;
  virusScanResult: string | null;
  expiresAt: string | null;
  downloadCount: number;
  lastAccessedAt: string | null;
  createdAt: string;
  updatedAt: string;
  tags: Tags;
  status: AssetStatus;
  trashedAt: string | null;
}
