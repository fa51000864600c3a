import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { S3Definition } from '../../src/storage/definition.ts';
import { askSdk } from '../../src/storage/s3/client.ts';
import { plainAccess } from '../../src/storage/s3/plain-access.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const STORE: S3Definition = {
  name: 's3',
  provider: 'AWS_S3',
  bucket: 'acme-reports',
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:9000',
  forcePathStyle: true,
};
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };

let home = '';

beforeEach(async () => {
  home = await temporaryDirectory();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  use({ HOME: home, USERPROFILE: home, ...KEYS });
});

afterEach(() => vi.unstubAllEnvs());

function use(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

describe('what nothing is left to be found out about', () => {
  const definitions: [string, Partial<S3Definition>][] = [
    ['an address', {}],
    ['a name', { endpoint: 'https://store.example' }],
    ['a slash at the end', { endpoint: 'http://minio:9000/' }],
    ['the port that is the usual one', { endpoint: 'https://store.example:443' }],
    ['dots in the name of the bucket', { bucket: 'a.b-c.d' }],
    ['a region of that maker', { region: 'fr-par' }],
    ['a region in one word', { region: 'auto' }],
    ['the region of the environment', { region: undefined }],
    ['the region of the definition before that', { region: 'eu-west-1' }],
  ];
  const environments: [string, Record<string, string>][] = [
    ['keys', {}],
    ['keys of a session', { AWS_SESSION_TOKEN: 'session' }],
    ['an empty session', { AWS_SESSION_TOKEN: '' }],
  ];

  describe.each(environments)('%s', (_environment, variables) => {
    it.each(definitions)('is what the SDK comes to: %s', async (_definition, overrides) => {
      use({ AWS_REGION: 'us-west-2', ...variables });
      const definition = { ...STORE, ...overrides };
      const plain = plainAccess(definition);
      const sdk = await askSdk(definition);
      expect(plain?.location).toEqual(sdk.location);
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await sdk.credentials();
      const said = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      expect(await plain?.credentials()).toEqual(said);
      expect(expiration).toBeUndefined();
      sdk.close();
    });
  });
});

it('has the keys that the environment holds by now, when those it had expired, as the SDK has', async () => {
  const plain = plainAccess(STORE);
  const sdk = await askSdk(STORE);
  await sdk.credentials();
  use({ AWS_ACCESS_KEY_ID: 'AKIARENEWED', AWS_SECRET_ACCESS_KEY: 'newer', AWS_SESSION_TOKEN: 'session' });
  for (const force of [false, true]) {
    const { accessKeyId, sessionToken } = await sdk.credentials(force);
    expect(accessKeyId).toBe(force ? 'AKIARENEWED' : 'AKIAEXAMPLE');
    expect(await plain?.credentials(force)).toMatchObject({ accessKeyId, ...(sessionToken && { sessionToken }) });
  }
  sdk.close();
});

describe('the SDK is asked', () => {
  it.each<[string, Partial<S3Definition>]>([
    ['where Amazon itself is meant', { endpoint: undefined }],
    ['where the host names the bucket', { forcePathStyle: undefined }],
    ['by a profile', { profile: 'ci' }],
    ['without a region', { region: undefined }],
    ['in a region that stands for another', { region: 'aws-global' }],
    ['in a region of FIPS', { region: 'fips-us-east-1' }],
    ['of a bucket that is an ARN', { bucket: 'arn:aws:s3:us-east-1:123456789012:accesspoint/mine' }],
    ['of a directory bucket', { bucket: 'mine--use1-az4--x-s3' }],
    ['of a bucket that no host could name', { bucket: 'Acme' }],
    ['at an endpoint with a path', { endpoint: 'http://127.0.0.1:9000/s3' }],
    ['at an endpoint with a user', { endpoint: 'http://a:b@127.0.0.1:9000' }],
  ])('%s', (_name, overrides) => {
    expect(plainAccess({ ...STORE, ...overrides })).toBeUndefined();
  });

  it.each([
    'AWS_PROFILE',
    'AWS_CREDENTIAL_EXPIRATION',
    'AWS_USE_FIPS_ENDPOINT',
    'AWS_USE_DUALSTACK_ENDPOINT',
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
  ])('with %s', (name) => {
    use({ [name]: 'x' });
    expect(plainAccess(STORE)).toBeUndefined();
  });

  it.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('without %s', (name) => {
    use({ [name]: '' });
    expect(plainAccess(STORE)).toBeUndefined();
  });

  it('where there may be profiles', async () => {
    await mkdir(join(home, '.aws'));
    expect(plainAccess(STORE)).toBeUndefined();
  });
});
