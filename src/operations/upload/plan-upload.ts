import type { FailureRecord } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import { readOptions } from './read-options.ts';
import { sameUploadQuery } from './upload-existing.ts';
import { prepareGroups } from './upload-prepare.ts';
import {
  failed,
  type PacedRequest,
  type PreparationFailure,
  type PreparedFile,
  type UploadRequest,
} from './upload-request.ts';
import { knownVerdicts, refuseKnown, scanFiles, startScans, type UploadScans } from './upload-scan.ts';
import type { UploadSource } from './upload-sources.ts';

/** Nothing is stored: what counts is reading from a disk. */
const FILES_AT_ONCE = 4;

export type PlannedUpload =
  | {
      kind: 'would-store';
      source: string;
      originalFilename: string;
      fileSize: number;
      mimeType: string;
      fileHash: string;
      /** The bytes are stored already, by another asset or earlier in this run. */
      deduplicated: boolean;
    }
  /** skipExisting would give this asset. */
  | { kind: 'existing'; source: string; id: string }
  | { kind: 'failed'; source: string; failure: FailureRecord };

/** What `upload` would store or refuse: everything is read and judged, nothing is written anywhere. */
export async function* planUpload(context: OperationContext, request: UploadRequest): AsyncGenerator<PlannedUpload> {
  const seen = new Set<string>();
  const scans = startScans(false);
  const paced = { ...request, concurrency: request.concurrency ?? FILES_AT_ONCE };
  for await (const group of prepareGroups(context, paced, readOptions(context, request))) {
    const prepared = group.flatMap((item) => ('content' in item ? item : []));
    try {
      const known = await lookUp(context, request, prepared);
      const judged = await judge(context, paced, scans, prepared, known);
      for (const item of group) {
        const file = judged.get(item.source) ?? item;
        yield 'error' in file ? failed(file.source, file.error) : plan(file, request, known, seen);
      }
    } finally {
      await Promise.all(prepared.map(({ content }) => content.close()));
    }
  }
}

/** The same order as an upload: what is known as infected, what exists, what a scan finds. */
async function judge(
  context: OperationContext,
  request: PacedRequest,
  scans: UploadScans,
  files: readonly PreparedFile[],
  { existing }: Known,
): Promise<Map<UploadSource, PreparedFile | PreparationFailure>> {
  const verdicts = await knownVerdicts(context, files);
  const judged = new Map<UploadSource, PreparedFile | PreparationFailure>();
  for (const file of files) judged.set(file.source, refuseKnown(file, verdicts) ?? file);
  const fresh = [...judged.values()].flatMap((file) => ('content' in file && !existing.has(file.source) ? file : []));
  const scanned = await scanFiles(context, scans, fresh, verdicts, request.concurrency);
  for (const file of scanned) judged.set(file.source, file);
  return judged;
}

interface Known {
  stored: ReadonlySet<string>;
  existing: ReadonlyMap<UploadSource, string>;
}

async function lookUp(
  context: OperationContext,
  request: UploadRequest,
  prepared: readonly PreparedFile[],
): Promise<Known> {
  const catalog = await context.catalog();
  const hashes = prepared.map((file) => file.content.sha256);
  const stored = request.isPublic
    ? new Set<string>()
    : await catalog.assets.storedHashes(context.identity.organization, request.backend, hashes);
  const existing = new Map<UploadSource, string>();
  if (!request.skipExisting) return { stored, existing };
  const queries = prepared.map((file) => sameUploadQuery(request, file));
  const assets = await catalog.assets.sameUploads(context.identity, queries);
  for (const [index, file] of prepared.entries()) {
    const asset = assets[index];
    if (asset !== undefined) existing.set(file.source, asset.id);
  }
  return { stored, existing };
}

function plan(file: PreparedFile, request: UploadRequest, known: Known, seen: Set<string>): PlannedUpload {
  const { source, content } = file;
  const id = known.existing.get(source);
  if (id !== undefined) return { kind: 'existing', source: source.label, id };
  const deduplicated = !request.isPublic && (known.stored.has(content.sha256) || seen.has(content.sha256));
  seen.add(content.sha256);
  return {
    kind: 'would-store',
    source: source.label,
    originalFilename: source.name,
    fileSize: content.size,
    mimeType: content.mimeType,
    fileHash: content.sha256,
    deduplicated,
  };
}
