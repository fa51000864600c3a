import { contentDisposition } from '../../core/content-disposition.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { SignedUrl, SignOptions } from '../backend.ts';
import { checkLifetime } from '../lifetime.ts';
import type { S3Store } from './objects.ts';

/** A presigned URL (SigV4). It ends no later than the credentials that signed it. */
export async function signUrl(store: S3Store, key: StorageKey, options: SignOptions): Promise<SignedUrl> {
  checkLifetime(options.expiresIn, { backend: store.name, key });
  const query = {
    'response-content-disposition': contentDisposition(options.downloadAs, options.inline),
    'response-content-type': options.contentType,
  };
  return store.s3.presign(store.prefix.add(key), query, options.expiresIn);
}
