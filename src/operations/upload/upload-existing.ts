import type { SameUploadQuery } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import { withAddress } from '../download/public-access.ts';
import { failed, type PreparedFile, type UploadOutcome, type UploadRequest } from './upload-request.ts';
import type { UploadSource } from './upload-sources.ts';

/** Puts the assets that exist already into `outcomes` and returns the files that are new. */
export async function leaveOutExisting(
  context: OperationContext,
  request: UploadRequest,
  files: readonly PreparedFile[],
  outcomes: Map<UploadSource, UploadOutcome>,
): Promise<PreparedFile[]> {
  const catalog = await context.catalog();
  const existing = await catalog.assets.sameUploads(
    context.identity,
    files.map((file) => sameUploadQuery(request, file)),
  );
  return files.filter((file, index) => {
    const asset = existing[index];
    if (asset === undefined) return true;
    outcomes.set(file.source, { kind: 'existing', source: file.source.label, asset: withAddress(context, asset) });
    return false;
  });
}

export function sameUploadQuery(request: UploadRequest, file: PreparedFile): SameUploadQuery {
  return {
    assetType: request.assetType,
    projectId: request.projectId,
    originalFilename: file.source.name,
    fileHash: file.content.sha256,
    isPublic: request.isPublic,
  };
}

/** Equal name and content twice in one group: the second is the first one's asset, once that is stored. */
export function separateRepeats(files: readonly PreparedFile[]): {
  first: PreparedFile[];
  repeats: Map<UploadSource, UploadSource>;
} {
  const firsts = new Map<string, UploadSource>();
  const repeats = new Map<UploadSource, UploadSource>();
  const first = files.filter((file) => {
    const key = `${file.content.sha256} ${file.source.name}`;
    const earlier = firsts.get(key);
    if (earlier === undefined) firsts.set(key, file.source);
    else repeats.set(file.source, earlier);
    return earlier === undefined;
  });
  return { first, repeats };
}

export function repeatedOutcome(source: UploadSource, earlier: UploadOutcome | undefined): UploadOutcome {
  if (earlier?.kind === 'failed') return { ...earlier, source: source.label };
  if (earlier === undefined) return failed(source, new AssetError('INTERRUPTED', 'Stopped before it was stored'));
  return { kind: 'existing', source: source.label, asset: earlier.asset };
}
