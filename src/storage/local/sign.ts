import { contentDisposition } from '../../core/content-disposition.ts';
import { AssetError } from '../../core/errors.ts';
import { type SigningKey, signedUrl } from '../../core/signed-path.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { SignedUrl, SignOptions } from '../backend.ts';
import type { LocalSigning } from '../definition.ts';
import { checkLifetime } from '../lifetime.ts';
import { StorageError } from '../storage-error.ts';

/** A URL that `serve` answers. */
export function signLocalUrl(
  { backend, signing }: { backend: string; signing: LocalSigning },
  key: StorageKey,
  options: SignOptions,
): SignedUrl {
  checkLifetime(options.expiresIn, { backend, key });
  const signingKey = firstKey(backend, signing);
  const expires = Math.floor(Date.now() / 1000) + options.expiresIn;
  const url = signedUrl(signing.publicUrl(), signingKey, {
    backend,
    storagePath: key,
    expires,
    contentType: options.contentType,
    disposition: contentDisposition(options.downloadAs, options.inline),
  });
  return { url, expiresAt: new Date(expires * 1000) };
}

function firstKey(backend: string, { keys }: LocalSigning): SigningKey {
  try {
    const [first] = keys();
    if (first !== undefined) return first;
  } catch (error) {
    if (!(error instanceof AssetError)) throw error;
    throw new StorageError('UNSUPPORTED', error.message, { backend, cause: error });
  }
  const missing = 'serve.signingKey is not configured, which hosts that share a database need, the same on all';
  throw new StorageError('UNSUPPORTED', `${missing} (openssl rand -base64 48 makes one)`, { backend });
}
