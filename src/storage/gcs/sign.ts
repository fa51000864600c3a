import { contentDisposition } from '../../core/content-disposition.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { SignedUrl, SignOptions } from '../backend.ts';
import { checkLifetime } from '../lifetime.ts';
import type { GcsStore } from './objects.ts';
import { signV4Url } from './signature.ts';

/** A V4 signed URL; by the service account's key, or by the IAM service where there is none at hand. */
export async function signUrl(store: GcsStore, key: StorageKey, options: SignOptions): Promise<SignedUrl> {
  checkLifetime(options.expiresIn, { backend: store.name, key });
  const now = new Date();
  const url = await signV4Url(
    {
      method: 'GET',
      origin: store.gcs.origin,
      bucket: store.gcs.bucket,
      object: store.prefix.add(key),
      query: {
        'response-content-disposition': contentDisposition(options.downloadAs, options.inline),
        'response-content-type': options.contentType,
      },
      headers: {},
      now,
      expiresIn: options.expiresIn,
    },
    await store.gcs.signer(),
  );
  return { url, expiresAt: new Date((Math.floor(now.getTime() / 1000) + options.expiresIn) * 1000) };
}
