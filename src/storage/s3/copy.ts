import { createHash } from 'node:crypto';
import type { StorageKey } from '../../core/storage-key.ts';
import type { CopiedObject, PutOptions, StoredObject } from '../backend.ts';
import { inBatches } from '../batches.ts';
import { base64ToHex, encodePath, unquote } from '../http/encoding.ts';
import { textOf } from '../http/xml.ts';
import { partSizeFor } from '../parts.ts';
import { type RetryOptions, retrying } from '../retry-policy.ts';
import { StorageError } from '../storage-error.ts';
import { requireXml } from './listing.ts';
import { abort, begin, complete, MOST_PARTS, refuseTaken, type SentPart } from './multipart.ts';
import { conditionHeaders, contentHeaders, type S3Store, statObject } from './objects.ts';

/** What CopyObject may copy at once. */
const LARGEST_COPY = 5 * 1024 ** 3;
const COPY_PART = 512 * 1024 ** 2;
const PARTS_AT_ONCE = 4;

export interface CopyManner {
  retry: RetryOptions;
  /** In bytes; what is larger is copied in parts. */
  largest?: number;
}

interface Copy {
  source: StoredObject;
  /** As the header wants it: the bucket and the encoded name. */
  sourcePath: string;
  target: StorageKey;
  options: PutOptions;
}

/** The server copies, as long as both buckets are behind one endpoint and these credentials may read the source. */
export async function copyObject(
  from: S3Store,
  to: S3Store,
  key: StorageKey,
  target: StorageKey,
  options: PutOptions,
  { retry, largest = LARGEST_COPY }: CopyManner,
): Promise<CopiedObject> {
  const [there, here] = await Promise.all([from.s3.location(), to.s3.location()]);
  if (there.host.replace(`${from.s3.bucket}.`, '') !== here.host.replace(`${to.s3.bucket}.`, '')) {
    throw new StorageError('UNSUPPORTED', 'the two buckets are not behind one endpoint', { backend: to.name, key });
  }
  const { signal } = options;
  const source = await statObject(from, key, signal === undefined ? {} : { signal });
  // Not every store honours the condition on a copy.
  if (options.ifAbsent === true) await refuseTaken(to, target, options);
  const copy = { source, sourcePath: `/${from.s3.bucket}/${encodePath(from.prefix.add(key))}`, target, options };
  const statCopy = () => statObject(to, target, signal === undefined ? {} : { signal });
  if (source.size <= largest) {
    await copyWhole(to, copy);
    return statCopy();
  }
  const parts = await copyInParts(to, retry, copy);
  const copied = await statCopy();
  return { ...copied, hasEtagOfParts: copied.etag === etagOfParts(parts) };
}

async function copyWhole(store: S3Store, copy: Copy): Promise<void> {
  const { options, source } = copy;
  const answer = await store.s3.call({
    method: 'PUT',
    name: store.prefix.add(copy.target),
    headers: {
      ...contentHeaders({ ...keptHeaders(source), ...options }),
      ...conditionHeaders(options),
      'x-amz-copy-source': copy.sourcePath,
      'x-amz-copy-source-if-match': `"${source.etag}"`,
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-checksum-algorithm': 'SHA256',
    },
    signal: options.signal,
  });
  const result = requireXml(store, await answer.body.text(), 'CopyObjectResult');
  const copied = textOf(result, 'ChecksumSHA256');
  const known = source.checksums.sha256;
  if (copied === undefined || known === undefined || copied.includes('-') || base64ToHex(copied) === known) return;
  throw new StorageError('INTEGRITY', 'the copy has another checksum', { backend: store.name, key: copy.target });
}

/**
 * As far as can be told in the parts that it came in, so that its ETag comes out the same. No checksum is asked for: of
 * several parts it says nothing of the whole, and versitygw takes that of the whole source for the one of a part.
 */
async function copyInParts(store: S3Store, retry: RetryOptions, copy: Copy): Promise<readonly SentPart[]> {
  const { options, source } = copy;
  const upload = await begin(store, store.prefix.add(copy.target), { ...keptHeaders(source), ...options });
  try {
    await options.onSession?.(upload.id);
    const partSize = partSizeOf(source);
    const numbers = Array.from({ length: Math.ceil(source.size / partSize) }, (_, index) => index + 1);
    const parts = await inBatches(numbers, 1, PARTS_AT_ONCE, async ([number = 1]) => [
      await retrying(retry, options, () => copyPart(store, copy, upload, { number, partSize })),
    ]);
    const inOrder = parts.sort((a, b) => a.number - b.number);
    await complete(store, upload, inOrder, options);
    return inOrder;
  } catch (error) {
    await abort(store, upload);
    throw error;
  }
}

/** Ours have the size that we would choose today; of another number of parts nothing is known. */
function partSizeOf({ size, etag }: StoredObject): number {
  const ours = partSizeFor(size, MOST_PARTS);
  return etag.endsWith(`-${Math.ceil(size / ours)}`) ? ours : Math.max(ours, COPY_PART);
}

/** How S3 makes the ETag of several parts, where those of the parts are their MD5s. */
function etagOfParts(parts: readonly SentPart[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

async function copyPart(
  store: S3Store,
  copy: Copy,
  upload: { name: string; id: string },
  { number, partSize }: { number: number; partSize: number },
): Promise<SentPart> {
  const start = (number - 1) * partSize;
  const end = Math.min(start + partSize, copy.source.size) - 1;
  const answer = await store.s3.call({
    method: 'PUT',
    name: upload.name,
    query: { partNumber: String(number), uploadId: upload.id },
    headers: {
      'x-amz-copy-source': copy.sourcePath,
      'x-amz-copy-source-if-match': `"${copy.source.etag}"`,
      'x-amz-copy-source-range': `bytes=${start}-${end}`,
    },
    signal: copy.options.signal,
  });
  const result = requireXml(store, await answer.body.text(), 'CopyPartResult');
  return { number, etag: unquote(textOf(result, 'ETag') ?? '') };
}

function keptHeaders({ contentType, contentEncoding }: StoredObject): PutOptions {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
  };
}
