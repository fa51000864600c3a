import { createHash } from 'node:crypto';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CallOptions, PutOptions, StoredObject } from '../backend.ts';
import type { GuardedBody } from '../guarded-body.ts';
import type { HttpAnswer } from '../http/http-client.ts';
import { type Part, partSizeFor, readParts } from '../parts.ts';
import { type RetryOptions, retrying } from '../retry-policy.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import {
  conditionQuery,
  confirm,
  describeUpload,
  FIELDS,
  type GcsResource,
  type GcsStore,
  isChecked,
  readJson,
  withMd5,
} from './objects.ts';

// The service's own status for "go on": so many bytes have been kept.
const RESUME_INCOMPLETE = 308;
const SESSION_ENDED = 499;

/**
 * A resumable upload: part after part, since the service takes them in order only. Each part is
 * repeated from what the service says it kept. A session that is cancelled leaves nothing.
 */
export async function putResumable(
  store: GcsStore,
  retry: RetryOptions,
  key: StorageKey,
  body: GuardedBody,
  options: PutOptions,
): Promise<StoredObject> {
  const session = await begin(store, key, body.size, options);
  const md5 = isChecked(options) ? undefined : createHash('md5');
  try {
    await options.onSession?.(session);
    let resource: GcsResource | undefined;
    const reading = { body, pool: store.pool, partSize: partSizeFor(body.size, Number.POSITIVE_INFINITY) };
    for await (const { part, done } of readParts(reading)) {
      md5?.update(part.bytes);
      try {
        resource = await sendPart(store, retry, session, part, body.size, options);
      } finally {
        done();
      }
      if (resource !== undefined) break;
    }
    if (resource === undefined) throw incomplete(store, key);
    const checked = md5 === undefined ? options : withMd5(options, md5.digest('hex'));
    return await confirm(store, key, resource, body.size, checked);
  } catch (error) {
    await cancel(store, session);
    // A session that is gone: the put starts again.
    throw isStorageError(error, 'NOT_FOUND') ? incomplete(store, key, error) : error;
  }
}

async function begin(store: GcsStore, key: StorageKey, size: number, options: PutOptions): Promise<string> {
  const body = Buffer.from(describeUpload(store, key, options));
  const answer = await store.gcs.call({
    method: 'POST',
    path: `/upload/storage/v1/b/${store.gcs.bucket}/o`,
    query: { uploadType: 'resumable', fields: FIELDS, ...conditionQuery(options) },
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-upload-content-length': String(size),
      'x-upload-content-type': options.contentType ?? 'application/octet-stream',
    },
    body,
    key,
    signal: options.signal,
  });
  await answer.body.dump();
  const { location } = answer.headers;
  if (location === undefined) throw incomplete(store, key);
  // Of the answer's URL the path alone: bytes go to the configured endpoint and nowhere else.
  const url = new URL(location, store.gcs.origin);
  return `${url.pathname}${url.search}`;
}

/** The object once it is complete; undefined while more parts are to come. */
async function sendPart(
  store: GcsStore,
  retry: RetryOptions,
  session: string,
  part: Part,
  size: number,
  options: CallOptions,
): Promise<GcsResource | undefined> {
  const { signal } = options;
  const end = part.offset + part.bytes.byteLength;
  let kept = part.offset;
  return retrying(retry, options, async (failures) => {
    if (failures.length > 0) {
      const state = await askState(store, session, size, signal);
      if (state.resource !== undefined) return state.resource;
      kept = Math.max(part.offset, state.kept);
    }
    while (kept < end) {
      const answer = await store.gcs.call({
        method: 'PUT',
        path: session,
        headers: { 'content-range': `bytes ${kept}-${end - 1}/${size}` },
        body: part.bytes.subarray(kept - part.offset),
        accept: [RESUME_INCOMPLETE],
        signal,
      });
      const state = await readState(answer);
      if (state.resource !== undefined) return state.resource;
      kept = state.kept;
    }
    return undefined;
  });
}

interface SessionState {
  kept: number;
  resource?: GcsResource;
}

async function askState(
  store: GcsStore,
  session: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<SessionState> {
  const answer = await store.gcs.call({
    method: 'PUT',
    path: session,
    headers: { 'content-range': `bytes */${size}`, 'content-length': '0' },
    accept: [RESUME_INCOMPLETE],
    signal,
  });
  return readState(answer);
}

async function readState(answer: HttpAnswer): Promise<SessionState> {
  if (answer.status !== RESUME_INCOMPLETE) {
    return { kept: 0, resource: (await readJson(answer.body)) as GcsResource };
  }
  await answer.body.dump();
  const last = /-(\d+)$/.exec(answer.headers['range'] ?? '')?.[1];
  return { kept: last === undefined ? 0 : Number(last) + 1 };
}

/** A session that cannot be cancelled ends by itself after a week, and is never billed. */
async function cancel(store: GcsStore, session: string): Promise<void> {
  await store.gcs
    .call({ method: 'DELETE', path: session, accept: [SESSION_ENDED] })
    .then((answer) => answer.body.dump())
    .catch(() => undefined);
}

function incomplete(store: GcsStore, key: string, cause?: unknown): StorageError {
  return new StorageError('UNAVAILABLE', 'the service did not complete the upload', {
    backend: store.name,
    key,
    cause,
  });
}
