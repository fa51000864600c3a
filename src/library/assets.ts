import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { type Asset, DEFAULT_ASSET_TYPE } from '../core/asset.ts';
import { AssetError, errorOf, type FailureRecord } from '../core/errors.ts';
import { checkId as checkName } from '../core/identity.ts';
import { listAssets } from '../operations/assets/list-assets.ts';
import { publishAssets, unpublishAssets } from '../operations/changes/publish.ts';
import type { OperationContext } from '../operations/context.ts';
import { type DownloadOutcome, type DownloadTarget, download } from '../operations/download/download.ts';
import { sign } from '../operations/download/sign.ts';
import { deleteAssets } from '../operations/removal/delete.ts';
import { checkAssetType } from '../operations/upload/check-asset-type.ts';
import { upload } from '../operations/upload/upload.ts';
import { generatedName } from '../operations/upload/upload-prepare.ts';
import { checkDownload, checkGenerated, checkId, checkList, checkSign, checkUpload } from './check-input.ts';
import type {
  Assets,
  DownloadedAsset,
  DownloadTo,
  ListOptions,
  UploadedAsset,
  UploadInput,
  UploadOptions,
} from './types.ts';
import { type SourceInput, toSources } from './upload-input.ts';

const NEWEST_FIRST = { field: 'created', descending: true } as const;

/** The library's methods over one context; `directory` is what relative paths count from. */
export function createAssets(context: OperationContext, directory: string, closeAll: () => Promise<void>): Assets {
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /** Each call is a run of its own in the audit trail. */
  const begin = (): OperationContext => {
    if (closing !== undefined)
      throw new AssetError('USAGE', 'These assets are closed', { hint: 'Call openAssets again.' });
    return { ...context, audit: { ...context.audit, correlationId: randomUUID() } };
  };
  const run = async <T>(work: (own: OperationContext) => Promise<T>): Promise<T> => {
    const running = work(begin());
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
    }
  };

  function downloadAny(id: string): Promise<Buffer>;
  function downloadAny(id: string, to: DownloadTo): Promise<DownloadedAsset>;
  function downloadAny(id: string, to?: DownloadTo): Promise<Buffer | DownloadedAsset> {
    return run<Buffer | DownloadedAsset>(async (own) => {
      checkDownload(id, to);
      return to === undefined ? downloadToMemory(own, id) : downloadTo(own, id, to, directory);
    });
  }

  return {
    saveGeneratedAsset: (generated) =>
      run(async (own) => {
        checkGenerated(generated);
        const { content, filename, assetType, projectId, scanResultId } = generated;
        const asNobody = { ...own, identity: { ...own.identity, user: null } };
        const name = {
          filename: filename ?? generatedName(assetType, new Date()),
          isNameGenerated: filename === undefined,
        };
        const source = { content, ...name };
        return uploadOne(asNobody, source, {
          assetType,
          projectId: projectId ?? null,
          scanResultId: scanResultId ?? null,
        });
      }),
    upload: (source, options = {}) =>
      run(async (own) => {
        checkUpload(source, options);
        return uploadOne(own, isPath(source) ? { ...source, path: resolve(directory, source.path) } : source, options);
      }),
    download: downloadAny,
    list: (options = {}) => listAll(begin, options),
    sign: (id, options = {}) =>
      run(async (own) => {
        checkSign(id, options);
        const { expiresIn, inline = false, downloadAs, noCdn = false } = options;
        const request = {
          ids: [id],
          inline,
          noCdn,
          ...(expiresIn === undefined ? {} : { expiresIn }),
          ...(downloadAs === undefined ? {} : { downloadAs }),
        };
        const { url, expiresAt, contentEncoding, id: whole } = succeeded(await only(sign(own, request)));
        return { id: whole, url, expiresAt, contentEncoding };
      }),
    publish: (id) =>
      run(async (own) => {
        checkId(id, 'publish');
        return succeeded(await only(publishAssets(own, [id]))).asset;
      }),
    unpublish: (id) =>
      run(async (own) => {
        checkId(id, 'unpublish');
        return succeeded(await only(unpublishAssets(own, [id]))).asset;
      }),
    delete: (id) =>
      run(async (own) => {
        checkId(id, 'delete');
        const request = { selection: { kind: 'ids' as const, ids: [id] }, dryRun: false };
        const { id: whole, bytes } = succeeded(await only(deleteAssets(own, request)));
        return { id: whole, bytes };
      }),
    close: () => {
      closing ??= Promise.allSettled(underWay).then(closeAll);
      return closing;
    },
  };
}

/** Of its two keys exactly one is there. */
function isPath(source: UploadInput): source is Extract<UploadInput, { path: string }> {
  return 'path' in source && source.path !== undefined;
}

async function uploadOne(
  context: OperationContext,
  input: SourceInput,
  options: UploadOptions,
): Promise<UploadedAsset> {
  const { assetType = DEFAULT_ASSET_TYPE, projectId = null, scanResultId = null } = options;
  const outcome = succeeded(
    await only(
      upload(context, {
        ...toSources(input),
        backend: context.backends.defaultName,
        assetType: checkAssetType(context, assetType),
        projectId: projectId === null ? null : checkName('project', projectId),
        scanResultId,
        isPublic: options.isPublic === true,
        tags: options.tags ?? {},
        skipExisting: options.skipExisting === true,
        optimize: options.optimize !== false,
        compress: options.compress !== false,
        concurrency: 1,
      }),
    ),
  );
  const existing = outcome.kind === 'existing';
  return { ...outcome.asset, deduplicated: existing || outcome.deduplicated, existing };
}

async function downloadToMemory(context: OperationContext, id: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await downloadOne(context, id, { kind: 'stream', stream }, false);
  return Buffer.concat(chunks);
}

async function downloadTo(
  context: OperationContext,
  id: string,
  to: DownloadTo,
  directory: string,
): Promise<DownloadedAsset> {
  const {
    path,
    bytes,
    id: whole,
  } = isStream(to)
    ? await downloadOne(context, id, { kind: 'stream', stream: to.stream }, false)
    : await downloadOne(context, id, { kind: 'file', path: resolve(directory, to.path) }, to.overwrite === true);
  return { id: whole, path, bytes };
}

function isStream(to: DownloadTo): to is Extract<DownloadTo, { stream: Writable }> {
  return 'stream' in to && to.stream !== undefined;
}

async function downloadOne(context: OperationContext, id: string, target: DownloadTarget, force: boolean) {
  const request = { selection: { kind: 'ids' as const, ids: [id] }, target, force, concurrency: 1 };
  return succeeded<DownloadOutcome>(await only(download(context, request)));
}

async function* listAll(begin: () => OperationContext, options: ListOptions): AsyncGenerator<Asset> {
  checkList(options);
  const { allOrganizations = false, sort = NEWEST_FIRST, limit, ...filter } = options;
  const request = { filter, allOrganizations, sort };
  for await (const page of listAssets(begin(), limit === undefined ? request : { ...request, limit }))
    yield* page.assets;
}

/** The one result of an operation on one item. It is driven to its end, where it finishes its work. */
async function only<T>(outcomes: AsyncIterable<T>): Promise<T> {
  const results: T[] = [];
  for await (const outcome of outcomes) results.push(outcome);
  const [first] = results;
  if (first !== undefined) return first;
  throw new AssetError('INTERRUPTED', 'Stopped before it was done', { hint: 'The signal was aborted.' });
}

type Failed = { kind: 'failed'; failure: FailureRecord };

function succeeded<T extends { kind: string }>(outcome: T): Exclude<T, Failed> {
  if (!isFailed(outcome)) return outcome as Exclude<T, Failed>;
  throw errorOf(outcome.failure);
}

function isFailed(outcome: { kind: string }): outcome is Failed {
  return outcome.kind === 'failed';
}
