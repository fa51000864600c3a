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
import { isStorageError } from '../storage-error.ts';
import type { S3Caller, S3Request } from './client.ts';

export interface S3Store {
  name: string;
  s3: S3Caller;
  prefix: KeyPrefix;
  pool: PartPool;
}

/** One PUT; the SHA-256 is both signed and stored as the object's checksum. */
export async function putWhole(
  store: S3Store,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  return withWholeBody(body, store.pool, async (bytes) => {
    const sha256 = options.checksums?.sha256 ?? createHash('sha256').update(bytes).digest('hex');
    const answer = await store.s3.call({
      method: 'PUT',
      name: store.prefix.add(key),
      headers: {
        ...contentHeaders(options),
        ...conditionHeaders(options),
        'x-amz-checksum-sha256': hexToBase64(sha256),
      },
      body: bytes,
      payloadHash: sha256,
      signal: options.signal,
    });
    await answer.body.dump();
    return describePut(key, bytes.byteLength, etagOf(answer), { sha256 }, options);
  });
}

/** An object as it must be now that the store has confirmed it: spares a look. */
export function describePut(
  key: StorageKey,
  size: number,
  etag: string,
  checksums: Checksums,
  { contentType, contentEncoding }: PutOptions,
): StoredObject {
  return {
    key,
    size,
    etag,
    lastModified: new Date(),
    checksums,
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  };
}

/** Without its checksums, which some stores have to look up: whoever reads all of it compares it with what is recorded. */
export async function getObject(
  store: S3Store,
  key: StorageKey,
  { range, ifMatch, into, pieces, signal }: GetOptions,
): Promise<OpenedObject> {
  const headers: Record<string, string> = {};
  if (range !== undefined) headers['range'] = `bytes=${range.start}-${range.end ?? ''}`;
  if (ifMatch !== undefined) headers['if-match'] = `"${ifMatch}"`;
  const name = store.prefix.add(key);
  const answer = await store.s3.call({ method: 'GET', name, headers, into, pieces, signal });
  return openAnswer(answer, () => describeAnswer(key, answer), { backend: store.name, key, signal });
}

/** The answer to HEAD has no body: what failed is asked again in a way that says why. */
export async function statObject(store: S3Store, key: StorageKey, options: CallOptions): Promise<StoredObject> {
  const request = {
    name: store.prefix.add(key),
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
    signal: options.signal,
  };
  try {
    const answer = await store.s3.call({ ...request, method: 'HEAD' });
    await answer.body.dump();
    return describeAnswer(key, answer);
  } catch (error) {
    if (!isStorageError(error) || isStorageError(error, 'UNAVAILABLE')) throw error;
    return askAgain(store, key, request);
  }
}

async function askAgain(store: S3Store, key: StorageKey, request: Omit<S3Request, 'method'>): Promise<StoredObject> {
  const answer = await store.s3.call({ ...request, method: 'GET' });
  answer.body.drop();
  return describeAnswer(key, answer);
}

function describeAnswer(key: StorageKey, { headers, status }: HttpAnswer): StoredObject {
  const sha256 = headers['x-amz-checksum-sha256'];
  // Of several parts only a checksum of their checksums is known; it says nothing by itself.
  const isWhole = headers['x-amz-checksum-type'] !== 'COMPOSITE' && sha256?.includes('-') === false;
  return {
    key,
    size: sizeOfRange(headers, status),
    etag: unquote(headers['etag'] ?? ''),
    lastModified: new Date(headers['last-modified'] ?? 0),
    checksums: isWhole && sha256 !== undefined ? { sha256: base64ToHex(sha256) } : {},
    ...(headers['content-type'] === undefined ? {} : { contentType: headers['content-type'] }),
    ...(headers['content-encoding'] === undefined ? {} : { contentEncoding: headers['content-encoding'] }),
  };
}

export function contentHeaders(options: PutOptions): Record<string, string> {
  return {
    'content-type': options.contentType ?? 'application/octet-stream',
    ...(options.contentEncoding === undefined ? {} : { 'content-encoding': options.contentEncoding }),
    ...(options.cacheControl === undefined ? {} : { 'cache-control': options.cacheControl }),
    ...(options.contentDisposition === undefined ? {} : { 'content-disposition': options.contentDisposition }),
  };
}

export function conditionHeaders(options: PutOptions): Record<string, string> {
  return options.ifAbsent === true ? { 'if-none-match': '*' } : {};
}

export function etagOf(answer: HttpAnswer): string {
  return unquote(answer.headers['etag'] ?? '');
}
