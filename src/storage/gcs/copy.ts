import type { StorageKey } from '../../core/storage-key.ts';
import type { PutOptions, StoredObject } from '../backend.ts';
import { StorageError } from '../storage-error.ts';
import {
  conditionQuery,
  confirm,
  explainMissing,
  type GcsResource,
  type GcsStore,
  objectPath,
  readJson,
  statObject,
} from './objects.ts';

interface RewriteProgress {
  done: boolean;
  rewriteToken?: string;
  resource?: GcsResource;
}

/** The service rewrites, in as many steps as it likes; these credentials must be able to read the source. */
export async function copyObject(
  from: GcsStore,
  to: GcsStore,
  key: StorageKey,
  target: StorageKey,
  options: PutOptions,
): Promise<StoredObject> {
  const { signal } = options;
  const source = await statObject(from, key, signal === undefined ? {} : { signal });
  const path = `${objectPath(from, key)}/rewriteTo${objectPath(to, target).slice('/storage/v1'.length)}`;
  let token: string | undefined;
  for (;;) {
    const progress = await explainMissing(to, target, () => rewrite(to, path, source, token, options));
    if (progress.resource !== undefined && progress.done) {
      return confirm(to, target, progress.resource, source.size, { checksums: source.checksums });
    }
    if (progress.rewriteToken === undefined) {
      throw new StorageError('UNAVAILABLE', 'the service did not complete the copy', { backend: to.name, key: target });
    }
    token = progress.rewriteToken;
  }
}

async function rewrite(
  store: GcsStore,
  path: string,
  source: StoredObject,
  token: string | undefined,
  options: PutOptions,
): Promise<RewriteProgress> {
  const changes = {
    contentType: options.contentType ?? source.contentType,
    contentEncoding: options.contentEncoding ?? source.contentEncoding,
    cacheControl: options.cacheControl,
    contentDisposition: options.contentDisposition,
  };
  const answer = await store.gcs.call({
    method: 'POST',
    path,
    query: {
      ifSourceGenerationMatch: source.etag,
      ...conditionQuery(options),
      ...(token === undefined ? {} : { rewriteToken: token }),
    },
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(changes)),
    signal: options.signal,
  });
  return (await readJson(answer.body)) as RewriteProgress;
}
