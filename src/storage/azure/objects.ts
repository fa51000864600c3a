import { createHash } from 'node:crypto';
import type { Checksums } from '../../core/body.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, GetOptions, OpenedObject, PutOptions, StoredObject } from '../backend.ts';
import type { GuardedBody } from '../guarded-body.ts';
import { openAnswer, sizeOfRange } from '../http/download-body.ts';
import { base64ToHex, hexToBase64, unquote } from '../http/encoding.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import { type PartPool, withWholeBody } from '../parts.ts';
import type { KeyPrefix } from '../prefix.ts';
import { rangeBeyondObject } from '../range.ts';
import { isStorageError } from '../storage-error.ts';
import type { AzureCaller } from './client.ts';

export interface AzureStore {
  name: string;
  azure: AzureCaller;
  prefix: KeyPrefix;
  pool: PartPool;
}

/** One Put Blob; the store compares the MD5 with what arrives, and keeps it. */
export async function putWhole(
  store: AzureStore,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  return withWholeBody(body, store.pool, async (bytes) => {
    const md5 = options.checksums?.md5 ?? createHash('md5').update(bytes).digest('hex');
    const answer = await store.azure.call({
      method: 'PUT',
      name: store.prefix.add(key),
      headers: {
        ...contentHeaders(options),
        ...conditionHeaders(options),
        'content-type': 'application/octet-stream',
        'content-md5': hexToBase64(md5),
        'x-ms-blob-type': 'BlockBlob',
      },
      body: bytes,
      key,
      signal: options.signal,
    });
    await answer.body.dump();
    return describePut(key, bytes.byteLength, answer, { md5 }, options);
  });
}

/** An object as it must be now that the store has confirmed it: spares a look. */
export function describePut(
  key: StorageKey,
  size: number,
  answer: HttpAnswer,
  checksums: Checksums,
  { contentType, contentEncoding }: PutOptions,
): StoredObject {
  return {
    key,
    size,
    etag: unquote(answer.headers['etag'] ?? ''),
    lastModified: new Date(answer.headers['last-modified'] ?? Date.now()),
    checksums,
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  };
}

export async function getObject(store: AzureStore, key: StorageKey, options: GetOptions): Promise<OpenedObject> {
  const { range, ifMatch, signal } = options;
  const answer = await store.azure.call({
    method: 'GET',
    name: store.prefix.add(key),
    headers: {
      ...(range === undefined ? {} : { 'x-ms-range': `bytes=${range.start}-${range.end ?? ''}` }),
      ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
    },
    key,
    into: options.into,
    pieces: options.pieces,
    signal,
  });
  const object = describeAnswer(key, answer);
  if (range !== undefined && range.start >= object.size) {
    answer.body.drop();
    throw rangeBeyondObject({ backend: store.name, key });
  }
  return openAnswer(answer, () => object, { backend: store.name, key, signal });
}

/** The answer to HEAD has no body: what was refused is asked again in a way that says why. */
export async function statObject(store: AzureStore, key: StorageKey, options: CallOptions): Promise<StoredObject> {
  const request = { name: store.prefix.add(key), key, signal: options.signal };
  try {
    const answer = await store.azure.call({ ...request, method: 'HEAD' });
    await answer.body.dump();
    return describeAnswer(key, answer);
  } catch (error) {
    if (!isStorageError(error, 'DENIED', 'CREDENTIALS')) throw error;
    const answer = await store.azure.call({ ...request, method: 'GET' });
    answer.body.drop();
    return describeAnswer(key, answer);
  }
}

/** Whether a blob has that full name; without the right to look there is nothing to know. */
export async function isThere(store: AzureStore, name: string): Promise<boolean> {
  try {
    const answer = await store.azure.call({ method: 'HEAD', name });
    await answer.body.dump();
    return true;
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND', 'DENIED')) return false;
    throw error;
  }
}

export function describeAnswer(key: StorageKey, { headers, status }: HttpAnswer): StoredObject {
  // The answer to a range has the MD5 of the range under the plain name.
  const md5 = headers['x-ms-blob-content-md5'] ?? (status === 206 ? undefined : headers['content-md5']);
  return {
    key,
    size: sizeOfRange(headers, status),
    etag: unquote(headers['etag'] ?? ''),
    lastModified: new Date(headers['last-modified'] ?? 0),
    checksums: md5 === undefined ? {} : { md5: base64ToHex(md5) },
    ...(headers['content-type'] === undefined ? {} : { contentType: headers['content-type'] }),
    ...(headers['content-encoding'] === undefined ? {} : { contentEncoding: headers['content-encoding'] }),
  };
}

export function contentHeaders(options: PutOptions): Record<string, string> {
  return {
    'x-ms-blob-content-type': options.contentType ?? 'application/octet-stream',
    ...(options.contentEncoding === undefined ? {} : { 'x-ms-blob-content-encoding': options.contentEncoding }),
    ...(options.cacheControl === undefined ? {} : { 'x-ms-blob-cache-control': options.cacheControl }),
    ...(options.contentDisposition === undefined
      ? {}
      : { 'x-ms-blob-content-disposition': options.contentDisposition }),
  };
}

export function conditionHeaders(options: PutOptions): Record<string, string> {
  return options.ifAbsent === true ? { 'if-none-match': '*' } : {};
}
