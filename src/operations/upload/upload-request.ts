import type { Readable } from 'node:stream';
import type { Expiry, FoundVerdict } from '../../catalog/catalog.ts';
import type { Content } from '../../content/content.ts';
import type { Asset, Tags } from '../../core/asset.ts';
import { type FailureRecord, toFailure } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import type { UploadSource } from './upload-sources.ts';

export interface UploadRequest {
  sources: AsyncIterable<UploadSource>;
  /** What `-` reads. */
  standardInput?: Readable;
  backend: string;
  assetType: string;
  projectId: string | null;
  scanResultId: string | null;
  isPublic: boolean;
  tags: Tags;
  /** Give the identity's own asset of the same type, project, name and content instead of adding one. */
  skipExisting: boolean;
  /** Images are transformed as the configuration says; false: stored as they came. */
  optimize: boolean;
  /** Text is compressed at rest as the configuration says; false: never. */
  compress: boolean;
  /** Without it: as `retention` is configured for the type. */
  expiry?: Expiry;
  /** Files that are read and stored at once; without it: as many as suit the store. */
  concurrency?: number;
}

/** A request that knows how many files are worked on at once. */
export type PacedRequest = UploadRequest & { concurrency: number };

export type UploadOutcome =
  | { kind: 'uploaded'; source: string; asset: Asset; deduplicated: boolean }
  /** skipExisting found it. */
  | { kind: 'existing'; source: string; asset: Asset }
  | { kind: 'failed'; source: string; failure: FailureRecord };

/** A file on its way: read, judged and fingerprinted. */
export interface PreparedFile {
  source: UploadSource;
  content: Content;
  /** Of a scan in this upload. */
  verdict?: FoundVerdict;
}

/** A prepared file with the upload that it belongs to: files of several uploads may be stored together. */
export interface OwnedFile extends PreparedFile {
  context: OperationContext;
  upload: UploadRequest;
}

/** Those of the request, and where the file lay below a directory that was given. */
export function tagsOf({ tags }: Pick<UploadRequest, 'tags'>, { relativePath }: UploadSource): Tags {
  return relativePath === undefined ? tags : { path: relativePath, ...tags };
}

export type PreparationFailure = { source: UploadSource; error: unknown };

export function failed(source: UploadSource, error: unknown): Extract<UploadOutcome, { kind: 'failed' }> {
  return { kind: 'failed', source: source.label, failure: toFailure(error) };
}
