import type { StorageKey } from '../../core/storage-key.ts';
import type { PullSource, PutOptions, StoredObject } from '../backend.ts';
import type { StorageTimeouts } from '../definition.ts';
import { base64ToHex, hexToBase64 } from '../http/encoding.ts';
import { isStorageError, StorageError } from '../storage-error.ts';
import { type AzureStore, conditionHeaders, contentHeaders, describePut } from './objects.ts';

/** The service takes 5,000 MiB, but answers only when it has read all, which our timeout for silence has to outlast. */
const LARGEST = 128 * 1024 * 1024;
/** In milliseconds; of a shorter one the silence is shorter, too, and so is what the service has the time to read. */
const DEADLINE_OF_LARGEST = 60_000;
/** x-ms-copy-source, by the reference of Put Blob From URL. */
const LONGEST_URL = 2048;

type Pull = (source: PullSource, key: StorageKey, options: PutOptions) => Promise<StoredObject>;

/** Put Blob From URL: the service fetches the bytes by itself. Where that failed once, all else comes another way. */
export function createPull(store: AzureStore, { deadline }: StorageTimeouts): Pull {
  const largest = LARGEST * Math.min(1, deadline / DEADLINE_OF_LARGEST);
  const unreachable = new Set<string>();

  return async (source, key, options) => {
    const { origin } = new URL(source.url);
    if (source.size > largest || source.url.length > LONGEST_URL || unreachable.has(origin)) {
      throw new StorageError('UNSUPPORTED', 'the service does not fetch this itself', { backend: store.name, key });
    }
    try {
      return await putFromUrl(store, source, key, options);
    } catch (error) {
      if (isStorageError(error, 'UNSUPPORTED', 'INTEGRITY')) unreachable.add(origin);
      throw error;
    }
  };
}

async function putFromUrl(
  store: AzureStore,
  { url, size, md5 }: PullSource,
  key: StorageKey,
  options: PutOptions,
): Promise<StoredObject> {
  const answer = await store.azure.call({
    method: 'PUT',
    name: store.prefix.add(key),
    headers: {
      ...contentHeaders(options),
      ...conditionHeaders(options),
      'x-ms-blob-type': 'BlockBlob',
      'x-ms-blob-content-md5': hexToBase64(md5),
      'x-ms-copy-source': url,
      'x-ms-copy-source-blob-properties': 'false',
      'x-ms-source-content-md5': hexToBase64(md5),
    },
    key,
    signal: options.signal,
  });
  await answer.body.dump();
  // What the service computed, not what it was told: without it nothing is proved, and the bytes are read.
  const computed = answer.headers['content-md5'];
  return describePut(key, size, answer, computed === undefined ? {} : { md5: base64ToHex(computed) }, options);
}
