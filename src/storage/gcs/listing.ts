import { randomUUID } from 'node:crypto';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, DeleteFailure, ListOptions, StoredObject } from '../backend.ts';
import { inBatches } from '../batches.ts';
import { isStorageError } from '../storage-error.ts';
import { errorFromText } from './errors.ts';
import {
  bucketMissing,
  describeResource,
  FIELDS,
  type GcsResource,
  type GcsStore,
  objectPath,
  readJson,
} from './objects.ts';

const LARGEST_BATCH = 100;
const BATCHES_AT_ONCE = 4;

interface Page {
  items?: GcsResource[];
  nextPageToken?: string;
}

export async function* listObjects(
  store: GcsStore,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<StoredObject> {
  let token: string | undefined;
  do {
    options.signal?.throwIfAborted();
    const page = await listPage(store, prefix, options, token);
    for (const resource of page.items ?? []) {
      const key = store.prefix.remove(resource.name);
      // startOffset includes the key itself.
      if (key !== undefined && key !== options.startAfter) yield describeResource(key, resource);
    }
    token = page.nextPageToken;
  } while (token !== undefined && token !== '');
}

async function listPage(
  store: GcsStore,
  prefix: string,
  options: ListOptions,
  token: string | undefined,
): Promise<Page> {
  try {
    const answer = await store.gcs.call({
      method: 'GET',
      path: `/storage/v1/b/${store.gcs.bucket}/o`,
      query: {
        prefix: store.prefix.add(prefix),
        maxResults: '1000',
        fields: `nextPageToken,items(${FIELDS})`,
        ...(options.startAfter === undefined ? {} : { startOffset: store.prefix.add(options.startAfter) }),
        ...(token === undefined ? {} : { pageToken: token }),
      },
      inMemory: true,
      signal: options.signal,
    });
    return (await readJson(answer.body)) as Page;
  } catch (error) {
    throw isStorageError(error, 'NOT_FOUND') ? bucketMissing(store, error) : error;
  }
}

export async function deleteObjects(
  store: GcsStore,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  return inBatches(keys, LARGEST_BATCH, BATCHES_AT_ONCE, (batch) => deleteBatch(store, batch, options));
}

async function deleteBatch(
  store: GcsStore,
  keys: readonly StorageKey[],
  options: CallOptions,
): Promise<DeleteFailure[]> {
  const boundary = `asset-cli-${randomUUID()}`;
  const parts = keys.map(
    (key, index) =>
      `--${boundary}\r\ncontent-type: application/http\r\ncontent-id: <key+${index}>\r\n\r\nDELETE ${objectPath(store, key)} HTTP/1.1\r\n\r\n\r\n`,
  );
  const answer = await store.gcs.call({
    method: 'POST',
    path: '/batch/storage/v1',
    headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
    body: Buffer.from(`${parts.join('')}--${boundary}--\r\n`),
    signal: options.signal,
  });
  const outcomes = readOutcomes(answer.headers['content-type'] ?? '', await answer.body.text());
  return keys.flatMap((key, index) => {
    // A key that the answer does not mention was not deleted, as far as anyone knows.
    const outcome = outcomes.get(index) ?? { status: 503, text: 'the answer does not mention the key' };
    if (outcome.status < 300 || outcome.status === 404) return [];
    return [{ key, error: errorFromText(outcome.status, {}, outcome.text, { backend: store.name, key }) }];
  });
}

interface Outcome {
  status: number;
  text: string;
}

/** The parts of the answer by the number in their content id, or in their order where there is none. */
function readOutcomes(contentType: string, text: string): Map<number, Outcome> {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? '';
  const parts = text.split(`--${boundary}`).slice(1, -1);
  return new Map(
    parts.map((part, position) => {
      const id = /content-id:\s*<[^>]*key\+(\d+)>/i.exec(part)?.[1];
      const status = Number(/HTTP\/\d(?:\.\d)?\s+(\d{3})/.exec(part)?.[1] ?? 503);
      return [id === undefined ? position : Number(id), { status, text: lastSection(part) }];
    }),
  );
}

function lastSection(part: string): string {
  return (
    part
      .trim()
      .split(/\r?\n\r?\n/)
      .at(-1) ?? ''
  );
}
