import { createHash } from 'node:crypto';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, DeleteFailure, ListOptions, StoredObject } from '../backend.ts';
import { inBatches } from '../batches.ts';
import { hexToBase64, unquote } from '../http/encoding.ts';
import { childrenOf, escapeXml, fitsXml, parseXml, textOf, type XmlElement } from '../http/xml.ts';
import { StorageError } from '../storage-error.ts';
import { errorFromCode } from './errors.ts';
import type { S3Store } from './objects.ts';

const LARGEST_BATCH = 1000;
const BATCHES_AT_ONCE = 3;

export async function* listObjects(store: S3Store, prefix: string, options: ListOptions): AsyncGenerator<StoredObject> {
  let token: string | undefined;
  do {
    options.signal?.throwIfAborted();
    const page = await listPage(store, prefix, options, token);
    for (const entry of childrenOf(page, 'Contents')) {
      const object = describeEntry(store, nameOf(page, textOf(entry, 'Key')), entry);
      if (object !== undefined) yield object;
    }
    token = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : undefined;
  } while (token !== undefined);
}

async function listPage(
  store: S3Store,
  prefix: string,
  options: ListOptions,
  token: string | undefined,
): Promise<XmlElement> {
  const after = options.startAfter === undefined ? {} : { 'start-after': store.prefix.add(options.startAfter) };
  const answer = await store.s3.call({
    method: 'GET',
    query: {
      'list-type': '2',
      'encoding-type': 'url',
      prefix: store.prefix.add(prefix),
      ...(token === undefined ? after : { 'continuation-token': token }),
    },
    inMemory: true,
    signal: options.signal,
  });
  return requireXml(store, await answer.body.text(), 'ListBucketResult');
}

function describeEntry(store: S3Store, name: string, entry: XmlElement): StoredObject | undefined {
  const key = store.prefix.remove(name);
  if (key === undefined) return undefined;
  return {
    key,
    size: Number(textOf(entry, 'Size')),
    etag: unquote(textOf(entry, 'ETag') ?? ''),
    lastModified: new Date(textOf(entry, 'LastModified') ?? 0),
    checksums: {},
  };
}

/** A name in a page; encoded as in a form (`+` is a space) if the page says that it did as it was asked. */
export function nameOf(page: XmlElement, text = ''): string {
  return textOf(page, 'EncodingType') === 'url' ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
}

export function requireXml(store: S3Store, text: string, name: string): XmlElement {
  const element = parseXml(text);
  if (element?.name === name) return element;
  // An error may come with the status 200, once the answer has begun.
  if (element?.name === 'Error') {
    throw errorFromCode(textOf(element, 'Code'), 500, { backend: store.name }, { message: textOf(element, 'Message') });
  }
  throw new StorageError('STORE_MISSING', 'the endpoint does not answer like S3', { backend: store.name });
}

export async function deleteObjects(
  store: S3Store,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  const inXml = keys.filter(fitsXml);
  const alone = keys.filter((key) => !fitsXml(key));
  const failures = await inBatches(inXml, LARGEST_BATCH, BATCHES_AT_ONCE, (batch) =>
    deleteBatch(store, batch, options),
  );
  const others = await inBatches(alone, 1, BATCHES_AT_ONCE, (batch) => deleteAlone(store, batch, options));
  return [...failures, ...others];
}

async function deleteBatch(
  store: S3Store,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(store.prefix.add(key))}</Key></Object>`).join('');
  const body = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
  );
  const sha256 = createHash('sha256').update(body).digest('hex');
  const answer = await store.s3.call({
    method: 'POST',
    query: { delete: '' },
    headers: {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
      'x-amz-checksum-sha256': hexToBase64(sha256),
    },
    body,
    payloadHash: sha256,
    signal: options.signal,
  });
  const result = requireXml(store, await answer.body.text(), 'DeleteResult');
  const failures = childrenOf(result, 'Error').flatMap((error) => describeFailure(store, keys, error, answer.headers));
  return [...new Map(failures.map((failure) => [failure.key, failure])).values()];
}

function describeFailure(
  store: S3Store,
  keys: readonly StorageKey[],
  error: XmlElement,
  headers: Record<string, string>,
): DeleteFailure[] {
  const code = textOf(error, 'Code');
  if (code === 'NoSuchKey') return [];
  const named = store.prefix.remove(textOf(error, 'Key') ?? '');
  const facts = { message: textOf(error, 'Message'), requestId: headers['x-amz-request-id'] };
  // Of an error that names none of the keys nobody knows which was not deleted: of none it is believed.
  const affected = named !== undefined && keys.includes(named) ? [named] : keys;
  // InternalError and SlowDown of one key among others; what is not known may pass as well.
  return affected.map((key) => ({ key, error: errorFromCode(code, 500, { backend: store.name, key }, facts) }));
}

async function deleteAlone(
  store: S3Store,
  [key]: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  if (key === undefined) return [];
  const answer = await store.s3.call({ method: 'DELETE', name: store.prefix.add(key), signal: options.signal });
  await answer.body.dump();
  return [];
}
