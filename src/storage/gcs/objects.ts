import { createHash, randomUUID } from 'node:crypto';
import type { Checksums } from '../../core/body.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, GetOptions, OpenedObject, PutOptions, StoredObject } from '../backend.ts';
import type { GuardedBody } from '../guarded-body.ts';
import { openAnswer, sizeOfRange } from '../http/download-body.ts';
import { base64ToHex, encodeRfc3986, hexToBase64 } from '../http/encoding.ts';
import { type PartPool, withWholeBody } from '../parts.ts';
import type { KeyPrefix } from '../prefix.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import type { GcsCaller } from './client.ts';

export interface GcsStore {
  name: string;
  gcs: GcsCaller;
  prefix: KeyPrefix;
  pool: PartPool;
}

/** An object as the JSON API describes it; numbers come as text. */
export interface GcsResource {
  name: string;
  generation: string;
  size: string;
  updated?: string;
  md5Hash?: string;
  crc32c?: string;
  contentType?: string;
  contentEncoding?: string;
}

export const FIELDS = 'name,generation,size,updated,md5Hash,crc32c,contentType,contentEncoding';

/** One request with the description and the bytes; the store compares them with the checksums in the description. */
export async function putWhole(
  store: GcsStore,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  return withWholeBody(body, store.pool, async (bytes) => {
    const boundary = `asset-cli-${randomUUID()}`;
    const checked = isChecked(options) ? options : withMd5(options, createHash('md5').update(bytes).digest('hex'));
    const head = Buffer.from(
      `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${describeUpload(store, key, checked)}\r\n` +
        `--${boundary}\r\ncontent-type: ${options.contentType ?? 'application/octet-stream'}\r\n\r\n`,
    );
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
    const answer = await store.gcs.call({
      method: 'POST',
      path: `/upload/storage/v1/b/${store.gcs.bucket}/o`,
      query: { uploadType: 'multipart', fields: FIELDS, ...conditionQuery(options) },
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body: Buffer.concat([head, bytes, tail]),
      key,
      signal: options.signal,
    });
    return confirm(store, key, (await readJson(answer.body)) as GcsResource, bytes.byteLength, checked);
  });
}

/** Whether the caller knows a checksum that this store compares; a SHA-256 alone tells it nothing. */
export function isChecked({ checksums }: PutOptions): boolean {
  return checksums?.md5 !== undefined || checksums?.crc32c !== undefined;
}

export function withMd5(options: PutOptions, md5: string): PutOptions {
  return { ...options, checksums: { ...options.checksums, md5 } };
}

export function describeUpload(store: GcsStore, key: StorageKey, options: PutOptions): string {
  const { sha256: _, ...checksums } = options.checksums ?? {};
  return JSON.stringify({
    name: store.prefix.add(key),
    contentType: options.contentType ?? 'application/octet-stream',
    contentEncoding: options.contentEncoding,
    cacheControl: options.cacheControl,
    contentDisposition: options.contentDisposition,
    ...(checksums.md5 === undefined ? {} : { md5Hash: hexToBase64(checksums.md5) }),
    ...(checksums.crc32c === undefined ? {} : { crc32c: hexToBase64(checksums.crc32c) }),
  });
}

export function conditionQuery(options: PutOptions): Record<string, string> {
  return options.ifAbsent === true ? { ifGenerationMatch: '0' } : {};
}

/** The store compares size and checksums itself; one that does not is found out here, and its object removed. */
export async function confirm(
  store: GcsStore,
  key: StorageKey,
  resource: GcsResource,
  size: number,
  { checksums = {} }: PutOptions,
): Promise<StoredObject> {
  const object = describeResource(key, resource);
  if (
    object.size === size &&
    agrees(checksums.md5, object.checksums.md5) &&
    agrees(checksums.crc32c, object.checksums.crc32c)
  )
    return object;
  await store.gcs.call({
    method: 'DELETE',
    path: objectPath(store, key),
    query: { ifGenerationMatch: resource.generation },
    key,
  });
  throw new StorageError('INTEGRITY', 'the store received other bytes than were sent', {
    backend: store.name,
    key,
    // Bytes that were lost on the way may arrive the next time; a checksum that was wrong stays wrong.
    retryable: object.size !== size,
  });
}

function agrees(sent: string | undefined, stored: string | undefined): boolean {
  return sent === undefined || stored === undefined || sent === stored;
}

export async function getObject(store: GcsStore, key: StorageKey, options: GetOptions): Promise<OpenedObject> {
  const { range, ifMatch, signal } = options;
  const answer = await explainMissing(store, key, () =>
    store.gcs.call({
      method: 'GET',
      path: `/download${objectPath(store, key)}`,
      query: { alt: 'media', ...(ifMatch === undefined ? {} : { ifGenerationMatch: ifMatch }) },
      headers: {
        // Otherwise what is stored compressed would arrive decompressed.
        'accept-encoding': 'gzip',
        ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ''}` }),
      },
      key,
      into: options.into,
      pieces: options.pieces,
      signal,
    }),
  );
  const { headers, status } = answer;
  const encoding = headers['x-goog-stored-content-encoding'];
  const object = describeResource(key, {
    name: key,
    generation: headers['x-goog-generation'] ?? '',
    size: String(sizeOfRange(headers, status)),
    ...readHashHeader(headers['x-goog-hash'] ?? ''),
    ...(headers['last-modified'] === undefined ? {} : { updated: headers['last-modified'] }),
    ...(headers['content-type'] === undefined ? {} : { contentType: headers['content-type'] }),
    ...(encoding === undefined || encoding === 'identity' ? {} : { contentEncoding: encoding }),
  });
  if (ifMatch !== undefined && object.etag !== ifMatch) {
    answer.body.drop();
    throw new StorageError('CONFLICT', 'another version is stored now', { backend: store.name, key });
  }
  return openAnswer(answer, () => object, { backend: store.name, key, signal });
}

/** `crc32c=…,md5=…` in base64 */
function readHashHeader(header: string): { md5Hash?: string; crc32c?: string } {
  const hashes = new Map(
    header.split(',').map((part): [string, string] => {
      const [name = '', ...value] = part.trim().split('=');
      return [name, value.join('=')];
    }),
  );
  const [md5, crc32c] = [hashes.get('md5'), hashes.get('crc32c')];
  return { ...(md5 === undefined ? {} : { md5Hash: md5 }), ...(crc32c === undefined ? {} : { crc32c }) };
}

export async function statObject(store: GcsStore, key: StorageKey, options: CallOptions): Promise<StoredObject> {
  const answer = await explainMissing(store, key, () =>
    store.gcs.call({
      method: 'GET',
      path: objectPath(store, key),
      query: { fields: FIELDS },
      key,
      signal: options.signal,
    }),
  );
  return describeResource(key, (await readJson(answer.body)) as GcsResource);
}

/** A missing object and a missing bucket answer alike; only the bucket itself tells. */
export async function explainMissing<T>(store: GcsStore, key: StorageKey, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) await requireBucket(store, key);
    throw error;
  }
}

async function requireBucket(store: GcsStore, key: StorageKey): Promise<void> {
  const { bucket } = store.gcs;
  try {
    const answer = await store.gcs.call({ method: 'GET', path: `/storage/v1/b/${bucket}`, query: { fields: 'name' } });
    await answer.body.dump();
  } catch (error) {
    // Whoever may not look at the bucket was told of the object alone.
    if (isStorageError(error, 'DENIED')) return;
    if (!isStorageError(error, 'NOT_FOUND')) throw error;
    throw bucketMissing(store, error, key);
  }
}

export function bucketMissing(store: GcsStore, cause: unknown, key?: string): StorageError {
  const message = `the bucket ${store.gcs.bucket} does not exist`;
  return new StorageError('STORE_MISSING', message, {
    backend: store.name,
    cause,
    ...(key === undefined ? {} : { key }),
  });
}

export function objectPath(store: GcsStore, key: string): string {
  return `/storage/v1/b/${store.gcs.bucket}/o/${encodeRfc3986(store.prefix.add(key))}`;
}

export function describeResource(key: StorageKey, resource: GcsResource): StoredObject {
  const checksums: Checksums = {};
  if (resource.md5Hash !== undefined) checksums.md5 = base64ToHex(resource.md5Hash);
  if (resource.crc32c !== undefined) checksums.crc32c = base64ToHex(resource.crc32c);
  return {
    key,
    size: Number(resource.size),
    etag: resource.generation,
    lastModified: new Date(resource.updated ?? 0),
    checksums,
    ...(resource.contentType === undefined ? {} : { contentType: resource.contentType }),
    ...(resource.contentEncoding === undefined ? {} : { contentEncoding: resource.contentEncoding }),
  };
}

export async function readJson(body: { text(): Promise<string> }): Promise<unknown> {
  return JSON.parse(await body.text());
}
