import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { signV4Url } from '../../src/storage/gcs/signature.ts';
import { createSigner } from '../../src/storage/s3/signature.ts';

interface GoogleVector {
  description: string;
  method: string;
  bucket: string;
  object?: string;
  headers?: Record<string, string>;
  queryParameters?: Record<string, string>;
  expiration: number;
  timestamp: string;
  expectedUrl: string;
}

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../fixtures/gcs-v4-signing/${name}`, import.meta.url), 'utf8'));
}

describe('V4 signed URLs of Google Cloud Storage', () => {
  const { signingV4Tests } = fixture('vectors.json') as { signingV4Tests: GoogleVector[] };
  const account = fixture('service-account.json') as { client_email: string; private_key: string };

  it.each(signingV4Tests.filter((vector) => vector.object !== undefined))(
    "agrees with Google's published vector: $description",
    async (vector) => {
      const url = await signV4Url(
        {
          method: vector.method,
          origin: new URL(vector.expectedUrl).origin,
          bucket: vector.bucket,
          object: vector.object ?? '',
          query: vector.queryParameters ?? {},
          headers: vector.headers ?? {},
          now: new Date(vector.timestamp),
          expiresIn: vector.expiration,
        },
        {
          email: account.client_email,
          sign: async (text) => createSign('RSA-SHA256').update(text).sign(account.private_key, 'hex'),
        },
      );
      // One vector names the default port, which no origin does.
      expect(url).toBe(vector.expectedUrl.replace('.com:443/', '.com/'));
    },
  );
});

// The examples of "Signature Calculations for the Authorization Header" and "Authenticating Requests:
// Using Query Parameters" in the Amazon S3 API reference.
describe('Signature Version 4 of Amazon S3', () => {
  const credentials = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
  const signer = createSigner({ region: 'us-east-1', service: 's3' });
  const now = new Date('2013-05-24T00:00:00Z');
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const request = { method: 'GET', host: 'examplebucket.s3.amazonaws.com', path: '/', query: {}, headers: {} };

  function signatureOf(overrides: Partial<Parameters<typeof signer.signHeaders>[0]>): string {
    const headers = signer.signHeaders({ ...request, payloadHash: empty, ...overrides }, credentials, now);
    return headers['authorization']?.split('Signature=')[1] ?? '';
  }

  it('agrees with the published GET of a range', () => {
    const signature = signatureOf({ path: '/test.txt', headers: { range: 'bytes=0-9' } });
    expect(signature).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  });

  it('agrees with the published PUT', () => {
    const signature = signatureOf({
      method: 'PUT',
      path: '/test%24file.text',
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      payloadHash: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    });
    expect(signature).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  it('agrees with the published requests about a bucket', () => {
    expect(signatureOf({ query: { lifecycle: '' } })).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
    expect(signatureOf({ query: { 'max-keys': '2', prefix: 'J' } })).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });

  it('agrees with the published presigned URL', () => {
    const signed = signer.signQuery(
      { ...request, path: '/test.txt', payloadHash: 'UNSIGNED-PAYLOAD' },
      credentials,
      now,
      86_400,
    );
    expect(signed).toContain('X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404');
  });
});
