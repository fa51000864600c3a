import type { UserDelegationKey } from '@azure/storage-blob';
import { contentDisposition } from '../../core/content-disposition.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { SignedUrl, SignOptions } from '../backend.ts';
import { parseXml, textOf } from '../http/xml.ts';
import { checkLifetime } from '../lifetime.ts';
import { StorageError } from '../storage-error.ts';
import type { AzureStore } from './objects.ts';

/** A service SAS, signed with the account's key or with a user delegation key that is asked for. */
export async function signUrl(store: AzureStore, key: StorageKey, options: SignOptions): Promise<SignedUrl> {
  checkLifetime(options.expiresIn, { backend: store.name, key });
  const expiresAt = new Date((Math.floor(Date.now() / 1000) + options.expiresIn) * 1000);
  const url = await signRead(store, store.prefix.add(key), expiresAt, {
    contentDisposition: contentDisposition(options.downloadAs, options.inline),
    contentType: options.contentType,
  });
  return { url, expiresAt };
}

/** An URL that may read one blob until then. */
export async function signRead(
  store: AzureStore,
  name: string,
  expiresOn: Date,
  answerHeaders: { contentDisposition?: string; contentType?: string } = {},
): Promise<string> {
  const { account, container } = store.azure;
  const sdk = await import('@azure/storage-blob');
  const values = {
    containerName: container,
    blobName: name,
    permissions: sdk.BlobSASPermissions.parse('r'),
    expiresOn,
    ...answerHeaders,
  };
  if (account.access.kind === 'sas') {
    throw new StorageError('UNSUPPORTED', 'signing needs the account key or a token, not a shared access signature', {
      backend: store.name,
    });
  }
  if (account.access.kind === 'key') {
    const credential = new sdk.StorageSharedKeyCredential(account.name, account.access.key.toString('base64'));
    return `${store.azure.urlOf(name)}?${sdk.generateBlobSASQueryParameters(values, credential)}`;
  }
  const key = await userDelegationKey(store, expiresOn);
  return `${store.azure.urlOf(name)}?${sdk.generateBlobSASQueryParameters(values, key, account.name)}`;
}

async function userDelegationKey(store: AzureStore, expiresOn: Date): Promise<UserDelegationKey> {
  // A little earlier than now, for a service whose clock is behind ours.
  const start = asSeconds(new Date(Date.now() - 300_000));
  const body = `<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>${start}</Start><Expiry>${asSeconds(expiresOn)}</Expiry></KeyInfo>`;
  const answer = await store.azure.call({
    method: 'POST',
    isService: true,
    query: { restype: 'service', comp: 'userdelegationkey' },
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(body),
  });
  const key = parseXml((await answer.body.text()).replace(/^\uFEFF/, ''));
  const text = (name: string) => textOf(key, name) ?? '';
  return {
    signedObjectId: text('SignedOid'),
    signedTenantId: text('SignedTid'),
    signedStartsOn: new Date(text('SignedStart')),
    signedExpiresOn: new Date(text('SignedExpiry')),
    signedService: text('SignedService'),
    signedVersion: text('SignedVersion'),
    value: text('Value'),
  };
}

function asSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
