// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as files have them are what is tested
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { othersCanRead, whyOthersCanWrite } from '../../src/config/trust.ts';
import { createDesk } from '../support/settings.ts';

const ME = process.geteuid?.() ?? 0;
const AS_ROOT = ME === 0;
const FILE = 'asset-cli.config.yaml';
const POSTGRES = 'database: postgres://u:geheim@db/assets\n';

describe('a file found in a working directory', () => {
  test.each([
    [0o600, 0o700, undefined],
    [0o644, 0o755, undefined],
    [0o644, 0o1777, undefined],
    [0o646, 0o755, /can be written by other users/],
    [0o666, 0o755, /can be written by other users/],
    [0o602, 0o700, /can be written by other users/],
    [0o644, 0o757, /folder that other users can write/],
    [0o644, 0o777, /folder that other users can write/],
  ])('of mode %o in a folder of mode %o', async (fileMode, folderMode, reason) => {
    const desk = await createDesk();
    const path = await desk.write(FILE, 'identity: { organization: acme }');
    await chmod(path, fileMode);
    await chmod(desk.cwd, folderMode);
    if (reason === undefined) {
      expect((await desk.settings()).identity.organization).toBe('acme');
      return;
    }
    await expect(desk.load()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(reason),
      hint: expect.stringContaining('--config'),
      details: { file: path },
    });
  });

  test('is refused before it is read: its own faults do not matter', async () => {
    const desk = await createDesk();
    await chmod(await desk.write(FILE, ': broken ['), 0o666);
    await expect(desk.load()).rejects.toMatchObject({ message: expect.stringContaining('written by other users') });
  });

  test('is taken as it is when it is named', async () => {
    const desk = await createDesk();
    await chmod(await desk.write(FILE, 'identity: { organization: "${ORG}" }'), 0o666);
    const env = { ORG: 'acme' };
    expect((await desk.settings({ flags: { config: FILE }, env })).identity.organization).toBe('acme');
    expect((await desk.settings({ env: { ...env, ASSET_CLI_CONFIG: FILE } })).identity.organization).toBe('acme');
  });

  test('reads no variable but our own', async () => {
    const desk = await createDesk();
    await desk.write(FILE, 'database: sqlite:a.db\nidentity:\n  organization: ${AWS_SECRET_ACCESS_KEY}\n');
    const error: unknown = await desk
      .load({ env: { AWS_SECRET_ACCESS_KEY: 'geheim' } })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/:3:17: .*AWS_SECRET_ACCESS_KEY/),
    });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('geheim');
  });

  test.runIf(AS_ROOT)('of another user is refused, and so is one in the folder of another user', async () => {
    const desk = await createDesk();
    const path = await desk.write(FILE, 'identity: { organization: acme }');
    await chown(path, 12_345, 12_345);
    await expect(desk.load()).rejects.toMatchObject({ message: expect.stringContaining('belongs to another user') });
    await chown(path, ME, ME);
    await chown(desk.cwd, 12_345, 12_345);
    await expect(desk.load()).rejects.toMatchObject({ message: expect.stringContaining('folder of another user') });
  });
});

describe('the rules, for any user', () => {
  const folder = { mode: 0o755, uid: 1000, gid: 1000 };

  test.each([
    ["root's file", { mode: 0o644, uid: 0, gid: 0 }, folder, undefined],
    ["another's file", { mode: 0o600, uid: 1001, gid: 1000 }, folder, 'belongs to another user'],
    ['a file open to my private group', { mode: 0o664, uid: 1000, gid: 1000 }, folder, undefined],
    ['a file open to a group', { mode: 0o664, uid: 1000, gid: 100 }, folder, 'can be written by other users'],
    ['a file open to all', { mode: 0o646, uid: 1000, gid: 1000 }, folder, 'can be written by other users'],
    [
      'a folder open to a group',
      folder,
      { ...folder, mode: 0o775, gid: 100 },
      'lies in a folder that other users can write',
    ],
    ['a sticky folder', folder, { mode: 0o1777, uid: 0, gid: 0 }, undefined],
    ["another's folder", folder, { mode: 0o1777, uid: 1001, gid: 0 }, 'lies in a folder of another user'],
  ])('%s', (_what, file, its, reason) => {
    expect(whyOthersCanWrite(file, its, 1000)).toBe(reason);
  });

  test("root's group has other members", () => {
    const file = { mode: 0o664, uid: 0, gid: 0 };
    expect(whyOthersCanWrite(file, { mode: 0o755, uid: 0, gid: 0 }, 0)).toBe('can be written by other users');
  });

  test('without user numbers there are no rules', () => {
    expect(whyOthersCanWrite({ mode: 0o666, uid: 0, gid: 0 }, folder, undefined)).toBeUndefined();
    expect(othersCanRead({ mode: 0o666, uid: 0, gid: 0 }, undefined)).toBe(false);
  });

  test('modes are those of real files', async () => {
    const desk = await createDesk();
    const path = join(desk.cwd, 'open/file');
    await desk.write('open/file', '');
    await mkdir(join(desk.cwd, 'closed'), { mode: 0o700 });
    await chmod(path, 0o646);
    expect(whyOthersCanWrite(await stat(path), await stat(dirname(path)), ME)).toBe('can be written by other users');
  });
});

describe('warnings', () => {
  const secretive = 'holds a secret and can be read by other users';

  test.each([
    ['a password', POSTGRES, true],
    ['a password in a parameter', 'database: postgres://db/a?user=u&password=geheim\n', true],
    ['a half-written password', 'database: "postgres://u:g${ASSET_CLI_P}@db/a"\n', true],
    ['a password from the environment', 'database: "postgres://u:${ASSET_CLI_P}@db/a"\n', false],
    ['an url from the environment', 'database: ${ASSET_CLI_URL}\n', false],
    ['no password', 'database: postgres://u@db/a\n', false],
    [
      'an account key',
      'backends: { a: { provider: AZURE_BLOB, container: abc, connectionString: "AccountName=a;AccountKey=geheim" } }',
      true,
    ],
    [
      'an account key from the environment',
      'backends: { a: { provider: AZURE_BLOB, container: abc, connectionString: "AccountName=a;AccountKey=${ASSET_CLI_P}" } }',
      false,
    ],
    ['a signing key', `serve: { signingKey: ${'k'.repeat(32)} }`, true],
    ['one of several signing keys', `serve: { signingKey: ["\${ASSET_CLI_KEY}", ${'k'.repeat(32)}] }`, true],
    ['a signing key from the environment', 'serve: { signingKey: "${ASSET_CLI_KEY}" }', false],
  ])('%s in a file that others can read', async (_what, text, warned) => {
    const desk = await createDesk();
    const path = await desk.write(FILE, text);
    const env = { ASSET_CLI_P: 'p=', ASSET_CLI_URL: 'postgres://u:geheim@db/a', ASSET_CLI_KEY: 'e'.repeat(32) };
    const options = { flags: { config: path }, env };
    for (const mode of [0o644, 0o604]) {
      await chmod(path, mode);
      const { warnings } = await desk.load(options);
      expect(warnings).toEqual(warned ? [expect.stringContaining(secretive)] : []);
    }
    await chmod(path, 0o600);
    expect((await desk.load(options)).warnings).toEqual([]);
  });

  test.each([
    ['a database', POSTGRES, /the database postgres:\/\/u:\*\*\*@db\/assets/],
    ['an embedded database', 'database: sqlite:a.db', /the database sqlite:.*a\.db/],
    [
      'an S3 endpoint',
      'backends: { s: { provider: AWS_S3, bucket: abc, endpoint: "http://h:1" } }',
      /the endpoint http:\/\/h:1 of the backend s/,
    ],
    [
      'a GCS endpoint',
      'backends: { g: { provider: GOOGLE_CLOUD_STORAGE, bucket: abc, apiEndpoint: "http://h:1" } }',
      /the endpoint http:\/\/h:1/,
    ],
    [
      'an Azure endpoint',
      'backends: { z: { provider: AZURE_BLOB, container: abc, endpoint: "http://h:1" } }',
      /the endpoint http:\/\/h:1/,
    ],
    [
      'a connection string',
      'backends: { z: { provider: AZURE_BLOB, container: abc, connectionString: "BlobEndpoint=http://h:1" } }',
      /backend z/,
    ],
    ['a public URL', 'serve: { publicUrl: "https://h" }', /the public URL https:\/\/h of serve/],
  ])('%s set by a file found in a working directory is named', async (_what, text, words) => {
    const desk = await createDesk();
    const path = await desk.write(FILE, text);
    const { warnings } = await desk.load();
    expect(warnings).toEqual([expect.stringMatching(words)]);
    expect(warnings[0]).toContain(path);
    expect((await desk.load({ flags: { config: path } })).warnings).toEqual([]);
  });

  test('a database that is not used is not named', async () => {
    const desk = await createDesk();
    await desk.write(FILE, POSTGRES);
    expect((await desk.load({ flags: { database: 'sqlite:a.db' } })).warnings).toEqual([]);
    expect((await desk.load({ env: { ASSET_CLI_DATABASE: 'sqlite:a.db' } })).warnings).toEqual([]);
  });

  test('a file that sets neither is not named', async () => {
    const desk = await createDesk();
    await desk.write(FILE, 'identity: { user: ada }\nbackends: { a: { provider: LOCAL, path: a } }');
    expect(
      (await desk.load({ env: { STORAGE_PROVIDER: 'S3', S3_BUCKET_NAME: 'b', S3_ENDPOINT: 'http://h' } })).warnings,
    ).toEqual([]);
  });
});
