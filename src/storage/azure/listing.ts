import { randomUUID } from 'node:crypto';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, DeleteFailure, ListOptions, StoredObject } from '../backend.ts';
import { inBatches } from '../batches.ts';
import { compareBytes } from '../byte-order.ts';
import { base64ToHex, unquote } from '../http/encoding.ts';
import { childrenOf, parseXml, textOf, type XmlElement } from '../http/xml.ts';
import { StorageError } from '../storage-error.ts';
import { errorFromText } from './errors.ts';
import type { AzureStore } from './objects.ts';

const LARGEST_BATCH = 256;
const BATCHES_AT_ONCE = 3;

export async function* listObjects(
  store: AzureStore,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<StoredObject> {
  for await (const { entry, name } of listEntries(store, { prefix: store.prefix.add(prefix) }, options)) {
    const key = store.prefix.remove(name);
    if (key === undefined) continue;
    // The service cannot begin a listing at a key.
    if (options.startAfter !== undefined && compareBytes(key, options.startAfter) <= 0) continue;
    yield describeEntry(key, entry);
  }
}

export interface ListedName {
  name: string;
  /** False for a name that has blocks only. */
  isCommitted: boolean;
  lastModified: Date;
}

export async function* listNames(store: AzureStore, query: Record<string, string>): AsyncGenerator<ListedName> {
  for await (const { entry, name } of listEntries(store, { prefix: store.prefix.text, ...query }, {})) {
    const [properties] = childrenOf(entry, 'Properties');
    const time = textOf(properties, 'Last-Modified') ?? textOf(properties, 'Creation-Time');
    yield {
      name,
      isCommitted: Number(textOf(properties, 'Content-Length') ?? 0) > 0,
      lastModified: new Date(time ?? 0),
    };
  }
}

async function* listEntries(
  store: AzureStore,
  query: Record<string, string>,
  { signal }: CallOptions,
): AsyncGenerator<{ entry: XmlElement; name: string }> {
  let marker = '';
  do {
    signal?.throwIfAborted();
    const answer = await store.azure.call({
      method: 'GET',
      query: { restype: 'container', comp: 'list', ...query, ...(marker === '' ? {} : { marker }) },
      inMemory: true,
      signal,
    });
    const page = parseXml((await answer.body.text()).replace(/^\uFEFF/, ''));
    if (page?.name !== 'EnumerationResults') {
      throw new StorageError('STORE_MISSING', 'the endpoint does not answer like Azure', { backend: store.name });
    }
    for (const entry of childrenOf(childrenOf(page, 'Blobs')[0], 'Blob')) yield { entry, name: nameOf(entry) };
    marker = textOf(page, 'NextMarker') ?? '';
  } while (marker !== '');
}

/** Encoded where XML could not hold it. */
function nameOf(entry: XmlElement): string {
  const [name] = childrenOf(entry, 'Name');
  if (name === undefined) return '';
  return /Encoded="true"/i.test(name.attributes) ? decodeURIComponent(name.text) : name.text;
}

function describeEntry(key: StorageKey, entry: XmlElement): StoredObject {
  const [properties] = childrenOf(entry, 'Properties');
  const md5 = textOf(properties, 'Content-MD5') ?? '';
  const contentType = textOf(properties, 'Content-Type') ?? '';
  const contentEncoding = textOf(properties, 'Content-Encoding') ?? '';
  return {
    key,
    size: Number(textOf(properties, 'Content-Length')),
    etag: unquote(textOf(properties, 'Etag') ?? ''),
    lastModified: new Date(textOf(properties, 'Last-Modified') ?? 0),
    checksums: md5 === '' ? {} : { md5: base64ToHex(md5) },
    ...(contentType === '' ? {} : { contentType }),
    ...(contentEncoding === '' ? {} : { contentEncoding }),
  };
}

export async function deleteObjects(
  store: AzureStore,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  return inBatches(keys, LARGEST_BATCH, BATCHES_AT_ONCE, (batch) => deleteBatch(store, batch, options));
}

async function deleteBatch(
  store: AzureStore,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  const boundary = `batch_${randomUUID()}`;
  const parts = await Promise.all(keys.map((key, index) => deletePart(store, boundary, key, index)));
  const answer = await store.azure.call({
    method: 'POST',
    query: { restype: 'container', comp: 'batch' },
    headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
    body: Buffer.from(`${parts.join('')}--${boundary}--\r\n`),
    signal: options.signal,
  });
  const outcomes = readOutcomes(answer.headers['content-type'] ?? '', await answer.body.text());
  return keys.flatMap((key, index) => {
    // A key that the answer does not mention was not deleted, as far as anyone knows.
    const outcome = outcomes.get(index) ?? { status: 503, headers: {}, text: '' };
    if (outcome.status < 300) return [];
    const error = errorFromText(outcome.status, outcome.headers, outcome.text, { backend: store.name, key });
    return error.kind === 'NOT_FOUND' ? [] : [{ key, error }];
  });
}

async function deletePart(store: AzureStore, boundary: string, key: StorageKey, index: number): Promise<string> {
  const request = {
    method: 'DELETE',
    name: store.prefix.add(key),
    headers: { 'x-ms-delete-snapshots': 'include' },
  } as const;
  const { path, headers } = await store.azure.prepare(request);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `--${boundary}\r\ncontent-type: application/http\r\ncontent-transfer-encoding: binary\r\ncontent-id: ${index}\r\n\r\n` +
    `DELETE ${path} HTTP/1.1\r\n${lines.join('')}content-length: 0\r\n\r\n\r\n`
  );
}

interface Outcome {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/** The parts of the answer by the number in their content id. */
function readOutcomes(contentType: string, text: string): Map<number, Outcome> {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? '';
  const parts = text.split(`--${boundary}`).slice(1, -1);
  return new Map(
    parts.map((part, position) => {
      const id = /content-id:\s*(\d+)/i.exec(part)?.[1];
      return [id === undefined ? position : Number(id), readOutcome(part)];
    }),
  );
}

function readOutcome(part: string): Outcome {
  const answer = part.slice(part.search(/HTTP\/\d/));
  const [head = '', ...body] = answer.split(/\r?\n\r?\n/);
  const [statusLine = '', ...lines] = head.split(/\r?\n/);
  const headers = lines.map((line): [string, string] => {
    const split = line.indexOf(':');
    return [line.slice(0, split).toLowerCase(), line.slice(split + 1).trim()];
  });
  return {
    status: Number(/\s(\d{3})/.exec(statusLine)?.[1] ?? 503),
    headers: Object.fromEntries(headers),
    text: body.join('\n\n').trim(),
  };
}
