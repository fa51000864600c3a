import type { AssetStatus, StorageProvider } from '../../core/asset.ts';
import type { Identity } from '../../core/identity.ts';
import type { AuditContext } from './audit.ts';
import type { ObjectState } from './objects.ts';

export interface BackendRecord {
  name: string;
  backendId: string;
  provider: StorageProvider;
  /** When the store's marker was seen to be ours; null: the first use did not finish. */
  markedAt: string | null;
}

export interface BackendRegistry {
  /** Commits an id for the backend on its first use; later the same record. */
  register(name: string, provider: StorageProvider): Promise<BackendRecord>;
  find(name: string): Promise<BackendRecord | undefined>;
  /** By name. */
  list(): Promise<BackendRecord[]>;
  setMarked(name: string, backendId: string): Promise<void>;
  /** A new id for a store that is taken over, unmarked until its marker is written; audited. */
  adopt(name: string, provider: StorageProvider, identity: Identity, context: AuditContext): Promise<BackendRecord>;
}

export interface CatalogStatus {
  kind: 'sqlite' | 'postgres';
  /** Without secrets. */
  location: string;
  catalogId: string;
  schemaVersion: number;
  newestVersion: number;
  /** Bytes on disk, where the database can tell. */
  size: number | null;
  serverVersion: string;
  assets: Record<AssetStatus, number>;
  objects: Record<ObjectState, number>;
  /** By which images are recognised. */
  originals: number;
  auditEvents: number;
  /** PENDING and DELETING rows whose lease has run out. */
  expiredLeases: { pending: number; deleting: number };
}

export interface CatalogMaintenance {
  status(): Promise<CatalogStatus>;
  /** A quick proof that the database answers and is whole (SQLite: quick_check). */
  check(): Promise<void>;
  /** Proves that this login can change something: a change is begun and taken back. READ_ONLY, DATABASE_FORBIDDEN, … */
  probeWriting(): Promise<void>;
  /** Rejects if the database does not answer, or is known to take no write any more. */
  ready(): Promise<void>;
  /** The database's clock, by which whatever ends is judged. */
  time(): Promise<Date>;
  /** One documented, consistent export: JSON lines, the same from both databases (docs/backup-format.md). */
  exportLines(): AsyncIterable<string>;
  /** Into an empty catalog; a new catalog id, every backend unmarked. USAGE if anything is in it. */
  importLines(lines: AsyncIterable<string>): Promise<{ assets: number; objects: number; auditEvents: number }>;
}

export interface OpenCatalogOptions {
  /** How long to wait for locks, in milliseconds, before DATABASE_LOCKED. */
  lockTimeout: number;
  /** 'auto': bring an older or empty schema up to date when opening; 'never': DATABASE_UNUSABLE instead. */
  migrate: 'auto' | 'never';
  /** Do not create anything; `list` on a database that does not exist finds nothing. */
  readOnly?: boolean;
  /** How long to go on trying while the database is away in the middle of the work, in milliseconds (60 s). */
  deadline?: number;
  /** The PG* variables, which complete a postgres:// URL as psql does it. */
  environment?: Readonly<Record<string, string | undefined>>;
}
