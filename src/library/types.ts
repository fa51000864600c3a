import type { Writable } from 'node:stream';
import type { AssetFilter, SortField } from '../catalog/catalog.ts';
import type { Asset, Tags } from '../core/asset.ts';
import type { Role } from '../core/identity.ts';

/** What `openAssets` takes; whatever is left out comes from the environment and the configuration file, as for the command line. */
export interface OpenAssetsOptions {
  /** Path of a configuration file (`--config`). */
  config?: string;
  /** `sqlite:<path>` or `postgres://…` (`--database`). */
  database?: string;
  /** Where uploads are stored (`--backend`). */
  backend?: string;
  /** Who acts (`--as`); null: a program without a user. */
  user?: string | null;
  organization?: string;
  role?: Role;
  /** What relative paths count from, and where the search for a configuration begins; default: the working directory. */
  directory?: string;
  /** In place of the process's own environment variables. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** When it aborts, no new work is taken; what is under way is finished or undone. */
  signal?: AbortSignal;
  /** Gets one line for people about what is odd but no failure. Without it nobody is told. */
  onWarning?: (message: string) => void;
}

/** Content in memory, text (UTF-8), or a stream of either. */
export type ContentInput = string | Uint8Array | AsyncIterable<Uint8Array | string>;

export type UploadInput = { path: string; filename?: string } | { content: ContentInput; filename: string };

export interface UploadOptions {
  /** Default: DOCUMENT_UPLOAD. */
  assetType?: string;
  projectId?: string | null;
  scanResultId?: string | null;
  isPublic?: boolean;
  tags?: Tags;
  /** Give the identity's own asset of the same type, project, name and content instead of adding one. */
  skipExisting?: boolean;
  /** false: store an image as it came, whatever its type's profile. */
  optimize?: boolean;
  /** false: store text as it came. */
  compress?: boolean;
}

export interface GeneratedAsset {
  projectId?: string | null;
  scanResultId?: string | null;
  assetType: string;
  content: ContentInput;
  /** Default: `<type in lower case>_<yyyymmdd>_<hhmmss>` in UTC, with the extension of its content. */
  filename?: string;
}

export interface UploadedAsset extends Asset {
  /** On bytes that were stored already. */
  deduplicated: boolean;
  /** `skipExisting` found it. */
  existing: boolean;
}

/** A file, which is complete and verified when it appears, or a stream, which stays open. */
export type DownloadTo = { path: string; overwrite?: boolean } | { stream: Writable };

export interface DownloadedAsset {
  id: string;
  /** `-` for a stream. */
  path: string;
  bytes: number;
}

export interface ListOptions extends AssetFilter {
  /** Every organisation; operators only. */
  allOrganizations?: boolean;
  /** Default: newest first. */
  sort?: { field: SortField; descending: boolean };
  limit?: number;
}

export interface SignOptions {
  /** Seconds, at most 7 days; default 3600. */
  expiresIn?: number;
  /** The name a browser saves it under; default: the original file name. */
  downloadAs?: string;
  /** Let a browser show it instead of saving it. */
  inline?: boolean;
  /** A signed URL of a public asset behind a CDN, too; so does each of the other options. */
  noCdn?: boolean;
}

export interface SignedAsset {
  id: string;
  url: string;
  /** ISO 8601; null for a CDN URL, which does not end. */
  expiresAt: string | null;
  /** What every answer is coded in, whatever its reader accepts; null: the reader gets the content. */
  contentEncoding: string | null;
}

export interface DeletedAsset {
  id: string;
  /** Bytes that went with it; 0 if another asset still needs them. */
  bytes: number;
}

/**
 * An organisation's stored files. Every method rejects with an AssetError, whose `code` says what is
 * wrong and whose `hint` what to do; nothing is ever printed, and the process is never ended.
 */
export interface Assets {
  /** Stores what a program made; the asset has no user. */
  saveGeneratedAsset(generated: GeneratedAsset): Promise<UploadedAsset>;
  upload(source: UploadInput, options?: UploadOptions): Promise<UploadedAsset>;
  /** The content, verified, in memory. */
  download(id: string): Promise<Buffer>;
  /** The content, verified, to a file or a stream. */
  download(id: string, to: DownloadTo): Promise<DownloadedAsset>;
  /** Page by page, so that memory stays flat. */
  list(options?: ListOptions): AsyncIterable<Asset>;
  sign(id: string, options?: SignOptions): Promise<SignedAsset>;
  /** Gives it a public address of its own; a public one stays as it is. */
  publish(id: string): Promise<Asset>;
  /** Takes it back from its public address; a private one stays as it is. */
  unpublish(id: string): Promise<Asset>;
  delete(id: string): Promise<DeletedAsset>;
  /** Waits for what is under way, then closes the catalog and the stores. May be called again. */
  close(): Promise<void>;
}
