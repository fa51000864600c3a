import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Asset } from '../../src/core/asset.ts';
import type { OperationContext } from '../../src/operations/context.ts';
import { upload } from '../../src/operations/upload/upload.ts';
import type { UploadOutcome, UploadRequest } from '../../src/operations/upload/upload-request.ts';
import { findSources } from '../../src/operations/upload/upload-sources.ts';

/** Uploads files by their paths and returns what became of each. */
export async function uploadPaths(
  context: OperationContext,
  paths: readonly string[],
  changes: Partial<UploadRequest> = {},
): Promise<UploadOutcome[]> {
  const request: UploadRequest = {
    sources: findSources(paths, { include: [], exclude: [] }),
    backend: 'local',
    assetType: 'DOCUMENT_UPLOAD',
    projectId: null,
    scanResultId: null,
    isPublic: false,
    tags: {},
    skipExisting: false,
    optimize: true,
    compress: true,
    concurrency: 4,
    ...changes,
  };
  return collect(upload(context, request));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function writeText(directory: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

/** The asset of an upload that must have succeeded. */
export function assetOf(outcome: UploadOutcome | undefined): Asset {
  if (outcome === undefined || outcome.kind === 'failed') {
    throw new Error(`the upload failed: ${JSON.stringify(outcome)}`);
  }
  return outcome.asset;
}
