import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { S3Definition } from '../../src/storage/definition.ts';
import { createS3Caller } from '../../src/storage/s3/client.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const TIMEOUTS = { connect: 500, deadline: 500 };
const DEFINITION: S3Definition = { name: 's3', provider: 'AWS_S3', bucket: 'acme-reports', region: 'eu-west-1' };

afterEach(() => vi.unstubAllEnvs());

function useCredentials(): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
}

async function locationOf(overrides: Partial<S3Definition>) {
  const caller = createS3Caller({ ...DEFINITION, ...overrides }, TIMEOUTS);
  const location = await caller.location();
  await caller.close();
  return location;
}

// First in this process, before the SDK could have warned anywhere else.
describe('the SDK', () => {
  it('warns nobody, about Node or about listeners, however many calls share a signal', async () => {
    useCredentials();
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', '');
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const caller = createS3Caller({ ...DEFINITION, endpoint: 'http://127.0.0.1:9' }, TIMEOUTS);
    const { signal } = new AbortController();
    const calls = Array.from({ length: 40 }, () => caller.call({ method: 'GET', name: 'x', signal }));
    await Promise.allSettled(calls);
    await caller.close();
    await new Promise(setImmediate);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});

describe('a profile', () => {
  it('goes before keys in the environment, and nobody is warned of that', async () => {
    useCredentials();
    const file = join(await temporaryDirectory(), 'credentials');
    await writeFile(file, '[ci]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = other\n');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const caller = createS3Caller({ ...DEFINITION, profile: 'ci' }, TIMEOUTS);
    const { url } = await caller.presign('x', {}, 60);
    await caller.close();
    expect(url).toContain('AKIAPROFILE');
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

describe('where a bucket is', () => {
  it.each<[string, Partial<S3Definition>, string]>([
    ['in its region', {}, 'https://acme-reports.s3.eu-west-1.amazonaws.com'],
    ['with dots, which no certificate covers', { bucket: 'a.b' }, 'https://s3.eu-west-1.amazonaws.com/a.b'],
    ['in China', { region: 'cn-north-1' }, 'https://acme-reports.s3.cn-north-1.amazonaws.com.cn'],
    ['in path style', { forcePathStyle: true }, 'https://s3.eu-west-1.amazonaws.com/acme-reports'],
    ['elsewhere', { endpoint: 'https://r2.example' }, 'https://acme-reports.r2.example'],
    [
      'elsewhere, in path style',
      { endpoint: 'http://minio:9000', forcePathStyle: true },
      'http://minio:9000/acme-reports',
    ],
  ])('%s', async (_name, overrides, expected) => {
    useCredentials();
    const { origin, path } = await locationOf(overrides);
    expect(`${origin}${path}`).toBe(expected);
  });

  it("follows the environment as the SDK's users expect", async () => {
    useCredentials();
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://store.example:8333');
    vi.stubEnv('AWS_REGION', 'us-west-2');
    const { origin, region } = await locationOf({ region: undefined });
    expect({ origin, region }).toEqual({ origin: 'http://acme-reports.store.example:8333', region: 'us-west-2' });
  });
});

describe('signing', () => {
  it('promises no more time than the credentials have', async () => {
    useCredentials();
    const end = new Date(Date.now() + 900_000);
    vi.stubEnv('AWS_SESSION_TOKEN', 'session');
    vi.stubEnv('AWS_CREDENTIAL_EXPIRATION', end.toISOString());
    const caller = createS3Caller(DEFINITION, TIMEOUTS);
    const { url, expiresAt } = await caller.presign('a b', {}, 3600);
    expect(expiresAt).toEqual(end);
    expect(url).toContain('X-Amz-Security-Token=session');
    expect((await caller.presign('a b', {}, 60)).expiresAt.getTime()).toBeLessThan(end.getTime());
    await caller.close();
  });
});
