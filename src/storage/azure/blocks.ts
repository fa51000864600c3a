import type { StorageKey } from '../../core/storage-key.ts';
import { digestInThread } from '../../core/threaded-digest.ts';
import type { AbandonedUpload, PutOptions, StoredObject } from '../backend.ts';
import type { GuardedBody } from '../guarded-body.ts';
import { hexToBase64, unquote } from '../http/encoding.ts';
import { childrenOf, parseXml } from '../http/xml.ts';
import { type Part, partSizeFor, sendParts } from '../parts.ts';
import { type RetryOptions, retrying } from '../retry-policy.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { listNames } from './listing.ts';
import { type AzureStore, conditionHeaders, contentHeaders, describePut, isThere, statObject } from './objects.ts';

const MOST_BLOCKS = 50_000;

/** Blocks in parallel, each with its MD5, then the list that makes them a blob. The blob's own MD5 is kept as sent. */
export async function putInBlocks(
  store: AzureStore,
  retry: RetryOptions,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  if (options.ifAbsent === true) await refuseTaken(store, key, options);
  const name = store.prefix.add(key);
  try {
    await options.onSession?.(name);
    const blocks = await sendParts({
      body,
      pool: store.pool,
      partSize: partSizeFor(body.size, MOST_BLOCKS),
      signal: options.signal,
      send: (part, signal) => retrying(retry, { ...options, signal }, () => sendBlock(store, name, part, signal)),
    });
    return await commit(store, key, blocks, body.size, options);
  } catch (error) {
    await discardBlocks(store, name).catch(() => undefined);
    throw error;
  }
}

/** Spares the blocks of an upload that could only end in a conflict. */
export async function refuseTaken(store: AzureStore, key: StorageKey, { signal }: PutOptions): Promise<void> {
  try {
    await statObject(store, key, signal === undefined ? {} : { signal });
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return;
    throw error;
  }
  throw new StorageError('CONFLICT', 'the key is taken', { backend: store.name, key });
}

async function sendBlock(store: AzureStore, name: string, part: Part, signal: AbortSignal): Promise<string> {
  const id = Buffer.from(String(part.number).padStart(8, '0')).toString('base64');
  const md5 = await digestInThread('md5', part.bytes);
  const answer = await store.azure.call({
    method: 'PUT',
    name,
    query: { comp: 'block', blockid: id },
    headers: { 'content-type': 'application/octet-stream', 'content-md5': hexToBase64(md5) },
    body: part.bytes,
    signal,
  });
  await answer.body.dump();
  return id;
}

async function commit(
  store: AzureStore,
  key: StorageKey,
  blocks: readonly string[],
  size: number,
  options: PutOptions,
): Promise<StoredObject> {
  const md5 = options.checksums?.md5;
  const answer = await store.azure.call({
    method: 'PUT',
    name: store.prefix.add(key),
    query: { comp: 'blocklist' },
    headers: {
      ...contentHeaders(options),
      ...conditionHeaders(options),
      'content-type': 'application/xml',
      ...(md5 === undefined ? {} : { 'x-ms-blob-content-md5': hexToBase64(md5) }),
    },
    body: blockList(blocks),
    key,
    signal: options.signal,
  });
  await answer.body.dump();
  return describePut(key, size, answer, md5 === undefined ? {} : { md5 }, options);
}

function blockList(blocks: readonly string[]): Buffer {
  const list = blocks.map((id) => `<Latest>${id}</Latest>`).join('');
  return Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`);
}

/**
 * There is no call that drops blocks: an empty list is committed in their place, if no blob has come
 * to stand there, and that blob deleted if it still is the one.
 */
async function discardBlocks(store: AzureStore, name: string): Promise<void> {
  if (!(await hasBlocksOnly(store, name))) return;
  const committed = await store.azure.call({
    method: 'PUT',
    name,
    query: { comp: 'blocklist' },
    headers: { 'content-type': 'application/xml', 'if-none-match': '*' },
    body: blockList([]),
  });
  await committed.body.dump();
  const etag = unquote(committed.headers['etag'] ?? '');
  const deleted = await store.azure.call({ method: 'DELETE', name, headers: { 'if-match': `"${etag}"` } });
  await deleted.body.dump();
}

async function hasBlocksOnly(store: AzureStore, name: string): Promise<boolean> {
  // An empty blob has no blocks of its own either, but it can be looked at.
  return (await hasLooseBlocks(store, name)) && !(await isThere(store, name));
}

async function hasLooseBlocks(store: AzureStore, name: string): Promise<boolean> {
  try {
    const answer = await store.azure.call({ method: 'GET', name, query: { comp: 'blocklist', blocklisttype: 'all' } });
    const list = parseXml((await answer.body.text()).replace(/^\uFEFF/, ''));
    const count = (kind: string) => childrenOf(childrenOf(list, kind)[0], 'Block').length;
    return count('CommittedBlocks') === 0 && count('UncommittedBlocks') > 0;
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/** Blocks without a blob. The service drops them by itself after a week. */
export async function* abandonedUploads(store: AzureStore, olderThan: Date): AsyncGenerator<AbandonedUpload> {
  for await (const entry of listNames(store, { include: 'uncommittedblobs' })) {
    if (entry.isCommitted || entry.lastModified >= olderThan) continue;
    if (!(await hasBlocksOnly(store, entry.name))) continue;
    yield {
      id: entry.name,
      key: entry.name.slice(store.prefix.text.length),
      startedAt: entry.lastModified,
      discard: () => discardBlocks(store, entry.name),
    };
  }
}
