import { expect, it } from 'vitest';
import { readAzureConnection } from '../../src/core/azure-connection.ts';

const KEY = 'c2VjcmV0LWtleQ==';

it('reads what an account is reached by, and with', () => {
  expect(readAzureConnection(`DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=${KEY}`)).toEqual({
    account: 'acme',
    endpoint: 'https://acme.blob.core.windows.net',
    key: KEY,
    signature: undefined,
  });
  expect(readAzureConnection('blobendpoint = http://h:1/acme ;SharedAccessSignature=sv=1&sig=a%3D')).toEqual({
    account: undefined,
    endpoint: 'http://h:1/acme',
    key: undefined,
    signature: 'sv=1&sig=a%3D',
  });
  expect(readAzureConnection('AccountName=acme;EndpointSuffix=core.chinacloudapi.cn').endpoint).toBe(
    'https://acme.blob.core.chinacloudapi.cn',
  );
});

it('knows the emulator by its one word', () => {
  const local = readAzureConnection('UseDevelopmentStorage=true');
  expect(local).toMatchObject({ account: 'devstoreaccount1', endpoint: 'http://127.0.0.1:10000/devstoreaccount1' });
  expect(Buffer.from(local.key ?? '', 'base64')).toHaveLength(64);
  expect(readAzureConnection('UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite').endpoint).toBe(
    'http://azurite:10000/devstoreaccount1',
  );
});

it.each([
  ['words alone', 'no Name=Value'],
  [`AccountName=not a name;AccountKey=${KEY}`, 'AccountName'],
  ['AccountName=acme;AccountKey=%%%', 'AccountKey'],
  [`BlobEndpoint=h:1;AccountName=acme;AccountKey=${KEY}`, 'BlobEndpoint'],
  [`BlobEndpoint=;AccountName=acme;AccountKey=${KEY}`, 'BlobEndpoint'],
  [`DefaultEndpointsProtocol=ftp;AccountName=acme;AccountKey=${KEY}`, 'DefaultEndpointsProtocol'],
  ['UseDevelopmentStorage=true;DevelopmentStorageProxyUri=nowhere', 'gives no address'],
])('refuses %s', (text, reason) => {
  expect(() => readAzureConnection(text)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining(reason) }),
  );
  expect(() => readAzureConnection(text)).not.toThrow(KEY);
});
