import { createHash } from 'node:crypto';
import type { StorageKey } from '../../core/storage-key.ts';
import { digestInThread } from '../../core/threaded-digest.ts';
import type { AbandonedUpload, PutOptions, StoredObject } from '../backend.ts';
import type { GuardedBody } from '../guarded-body.ts';
import { hexToBase64, unquote } from '../http/encoding.ts';
import { childrenOf, escapeXml, textOf, type XmlElement } from '../http/xml.ts';
import { type Part, partSizeFor, sendParts } from '../parts.ts';
import { type RetryOptions, retrying } from '../retry-policy.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { nameOf, requireXml } from './listing.ts';
import { conditionHeaders, contentHeaders, describePut, etagOf, type S3Store, statObject } from './objects.ts';

export const MOST_PARTS = 10_000;
const MOST_ABORTS = 3;

interface Upload {
  name: string;
  id: string;
}

export interface SentPart {
  number: number;
  etag: string;
  /** Base64; of a part that was sent. */
  sha256?: string;
}

/** Parts in parallel, each with its SHA-256; an upload that fails is aborted at once, so that no part is billed. */
export async function putInParts(
  store: S3Store,
  retry: RetryOptions,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  if (options.ifAbsent === true) await refuseTaken(store, key, options);
  const upload = await begin(store, store.prefix.add(key), options, { 'x-amz-checksum-algorithm': 'SHA256' });
  try {
    await options.onSession?.(upload.id);
    const parts = await sendParts({
      body,
      pool: store.pool,
      partSize: partSizeFor(body.size, MOST_PARTS),
      signal: options.signal,
      send: (part, signal) => retrying(retry, { ...options, signal }, () => sendPart(store, upload, part, signal)),
    });
    const etag = await complete(store, upload, parts, options);
    return describePut(key, body.size, etag, {}, options);
  } catch (error) {
    await abort(store, upload);
    throw error;
  }
}

/** Spares the parts of an upload that could only end in a conflict. */
export async function refuseTaken(store: S3Store, key: StorageKey, { signal }: PutOptions): Promise<void> {
  try {
    await statObject(store, key, signal === undefined ? {} : { signal });
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return;
    throw error;
  }
  throw new StorageError('CONFLICT', 'the key is taken', { backend: store.name, key });
}

export async function begin(
  store: S3Store,
  name: string,
  options: PutOptions,
  headers: Record<string, string> = {},
): Promise<Upload> {
  const answer = await store.s3.call({
    method: 'POST',
    name,
    query: { uploads: '' },
    headers: { ...contentHeaders(options), ...headers },
    signal: options.signal,
  });
  const result = requireXml(store, await answer.body.text(), 'InitiateMultipartUploadResult');
  return { name, id: textOf(result, 'UploadId') ?? '' };
}

async function sendPart(store: S3Store, upload: Upload, part: Part, signal: AbortSignal): Promise<SentPart> {
  const payloadHash = await digestInThread('sha256', part.bytes);
  const sha256 = hexToBase64(payloadHash);
  const answer = await store.s3.call({
    method: 'PUT',
    name: upload.name,
    query: { partNumber: String(part.number), uploadId: upload.id },
    headers: { 'x-amz-checksum-sha256': sha256 },
    body: part.bytes,
    payloadHash,
    signal,
  });
  await answer.body.dump();
  return { number: part.number, etag: etagOf(answer), sha256 };
}

export async function complete(
  store: S3Store,
  upload: Upload,
  parts: readonly SentPart[],
  options: PutOptions,
): Promise<string> {
  const list = parts.map(({ number, etag, sha256 }) => {
    const checksum = sha256 === undefined ? '' : `<ChecksumSHA256>${sha256}</ChecksumSHA256>`;
    return `<Part><PartNumber>${number}</PartNumber><ETag>"${escapeXml(etag)}"</ETag>${checksum}</Part>`;
  });
  const body = Buffer.from(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`,
  );
  const answer = await store.s3.call({
    method: 'POST',
    name: upload.name,
    query: { uploadId: upload.id },
    headers: { 'content-type': 'application/xml', ...conditionHeaders(options) },
    body,
    payloadHash: createHash('sha256').update(body).digest('hex'),
    signal: options.signal,
  });
  const result = requireXml(store, await answer.body.text(), 'CompleteMultipartUploadResult');
  return unquote(textOf(result, 'ETag') ?? '');
}

/** What cannot be aborted now is found by abandonedUploads; the failure that led here is the one to report. */
export async function abort(store: S3Store, upload: Upload): Promise<void> {
  await discard(store, upload).catch(() => undefined);
}

/** A part that was on its way may arrive behind the abort and be kept: S3's reference asks to look, and to abort again. */
async function discard(store: S3Store, upload: Upload): Promise<void> {
  for (let tries = 0; tries < MOST_ABORTS; tries += 1) {
    await abortOnce(store, upload);
    if (await isGone(store, upload)) return;
  }
  throw new StorageError('UNAVAILABLE', 'the multipart upload still has parts after it was aborted', {
    backend: store.name,
    key: upload.name,
  });
}

async function abortOnce(store: S3Store, { name, id }: Upload): Promise<void> {
  try {
    const answer = await store.s3.call({ method: 'DELETE', name, query: { uploadId: id } });
    await answer.body.dump();
  } catch (error) {
    if (!isNoSuchUpload(error)) throw error;
  }
}

/** Without the right to look there is nothing to know. */
async function isGone(store: S3Store, { name, id }: Upload): Promise<boolean> {
  try {
    const answer = await store.s3.call({ method: 'GET', name, query: { uploadId: id, 'max-parts': '1' } });
    await answer.body.dump();
    return false;
  } catch (error) {
    if (isNoSuchUpload(error) || isStorageError(error, 'DENIED', 'NOT_FOUND', 'UNSUPPORTED')) return true;
    throw error;
  }
}

function isNoSuchUpload(error: unknown): boolean {
  return isStorageError(error) && error.message.includes('(NoSuchUpload)');
}

/** Multipart uploads that were begun before that time and never completed. */
export async function* abandonedUploads(store: S3Store, olderThan: Date): AsyncGenerator<AbandonedUpload> {
  let markers: Record<string, string> | undefined = {};
  while (markers !== undefined) {
    const answer = await store.s3.call({
      method: 'GET',
      query: { uploads: '', 'encoding-type': 'url', prefix: store.prefix.text, ...markers },
    });
    const page = requireXml(store, await answer.body.text(), 'ListMultipartUploadsResult');
    for (const entry of childrenOf(page, 'Upload')) {
      const upload = describeUpload(store, nameOf(page, textOf(entry, 'Key')), entry);
      if (upload.startedAt < olderThan) yield upload;
    }
    markers = textOf(page, 'IsTruncated') === 'true' ? nextMarkers(page) : undefined;
  }
}

function describeUpload(store: S3Store, name: string, entry: XmlElement): AbandonedUpload {
  const upload = { name, id: textOf(entry, 'UploadId') ?? '' };
  return {
    id: upload.id,
    key: upload.name.slice(store.prefix.text.length),
    startedAt: new Date(textOf(entry, 'Initiated') ?? 0),
    discard: () => discard(store, upload),
  };
}

function nextMarkers(page: XmlElement): Record<string, string> {
  return {
    'key-marker': nameOf(page, textOf(page, 'NextKeyMarker')),
    'upload-id-marker': textOf(page, 'NextUploadIdMarker') ?? '',
  };
}
