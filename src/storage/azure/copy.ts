import { setTimeout } from 'node:timers/promises';
import type { StorageKey } from '../../core/storage-key.ts';
import type { PutOptions, StoredObject } from '../backend.ts';
import { hexToBase64 } from '../http/encoding.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import { StorageError } from '../storage-error.ts';
import { type AzureStore, conditionHeaders, contentHeaders, statObject } from './objects.ts';
import { signRead } from './sign.ts';

const POLL_MILLISECONDS = 500;
const SOURCE_READABLE_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Copy Blob: the service copies, within an account at once, between accounts while we wait. */
export async function copyObject(
  from: AzureStore,
  to: AzureStore,
  key: StorageKey,
  target: StorageKey,
  options: PutOptions,
): Promise<StoredObject> {
  const { signal } = options;
  const call = signal === undefined ? {} : { signal };
  const source = await statObject(from, key, call);
  const started = await to.azure.call({
    method: 'PUT',
    name: to.prefix.add(target),
    headers: {
      ...conditionHeaders(options),
      'x-ms-copy-source': await sourceUrl(from, to, key),
      'x-ms-source-if-match': `"${source.etag}"`,
    },
    key: target,
    signal,
  });
  await started.body.dump();
  await waitForCopy(to, target, started, signal);
  await setHeaders(to, target, source, options);
  return checkCopy(to, source, await statObject(to, target, call));
}

/** Within an account the request's own rights reach the source. */
async function sourceUrl(from: AzureStore, to: AzureStore, key: StorageKey): Promise<string> {
  const name = from.prefix.add(key);
  if (from.azure.account.name === to.azure.account.name) return from.azure.urlOf(name);
  return signRead(from, name, new Date(Date.now() + SOURCE_READABLE_MILLISECONDS));
}

async function waitForCopy(
  store: AzureStore,
  key: StorageKey,
  started: HttpAnswer,
  signal: AbortSignal | undefined,
): Promise<void> {
  let status = started.headers['x-ms-copy-status'];
  while (status === 'pending') {
    await setTimeout(POLL_MILLISECONDS, undefined, signal === undefined ? {} : { signal });
    const answer = await store.azure.call({ method: 'HEAD', name: store.prefix.add(key), key, signal });
    await answer.body.dump();
    status = answer.headers['x-ms-copy-status'];
  }
  if (status === undefined || status === 'success') return;
  throw new StorageError('UNAVAILABLE', `the copy ended as ${status}`, { backend: store.name, key });
}

/** A copy has the source's headers; those that are to differ are set afterwards, all at once. */
async function setHeaders(
  store: AzureStore,
  key: StorageKey,
  source: StoredObject,
  options: PutOptions,
): Promise<void> {
  const { contentType, contentEncoding, cacheControl, contentDisposition } = options;
  const wanted = [contentType, contentEncoding, cacheControl, contentDisposition];
  if (wanted.every((value) => value === undefined)) return;
  const { md5 } = source.checksums;
  const answer = await store.azure.call({
    method: 'PUT',
    name: store.prefix.add(key),
    query: { comp: 'properties' },
    headers: {
      ...contentHeaders({ ...keptHeaders(source), ...options }),
      ...(md5 === undefined ? {} : { 'x-ms-blob-content-md5': hexToBase64(md5) }),
    },
    key,
    signal: options.signal,
  });
  await answer.body.dump();
}

function keptHeaders({ contentType, contentEncoding }: StoredObject): PutOptions {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  };
}

function checkCopy(store: AzureStore, source: StoredObject, copy: StoredObject): StoredObject {
  const { md5 } = source.checksums;
  const isSame = copy.size === source.size && (md5 === undefined || copy.checksums.md5 === md5);
  if (isSame) return copy;
  throw new StorageError('INTEGRITY', 'the copy is not what the source is', { backend: store.name, key: copy.key });
}
