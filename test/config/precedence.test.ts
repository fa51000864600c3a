import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loginId } from '../../src/config/identity.ts';
import type { Environment, Settings, SettingsFlags } from '../../src/config/settings.ts';
import { BUILT_IN_ASSET_TYPES } from '../../src/core/asset.ts';
import { createDesk } from '../support/settings.ts';

interface Level {
  flags?: SettingsFlags;
  env?: Environment;
  /** The configuration file. */
  file?: string;
  expected: unknown;
}

interface Setting {
  read: (settings: Settings) => unknown;
  /** From the strongest to the weakest: each wins over all below it. */
  levels: Level[];
}

/** As the system has it; a container may run as a user that it does not know. */
function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.()}`;
  }
}

const TWO_BACKENDS = 'backends: { a: { provider: LOCAL, path: a }, b: { provider: LOCAL, path: b } }';

const settings: Record<string, Setting> = {
  database: {
    read: ({ database, sources }) => `${database.engine === 'sqlite' ? database.path : ''} by ${sources.database}`,
    levels: [
      { flags: { database: 'sqlite:/flag.db' }, expected: '/flag.db by flag' },
      { env: { ASSET_CLI_DATABASE: 'sqlite:/env.db' }, expected: '/env.db by environment' },
      { file: 'database: sqlite:/file.db', expected: '/file.db by file' },
      { env: { ASSET_CLI_HOME: '/data' }, expected: '/data/assets.db by default' },
    ],
  },
  defaultBackend: {
    read: ({ defaultBackend, sources }) => `${defaultBackend} by ${sources.defaultBackend}`,
    levels: [
      { flags: { backend: 'b' }, file: `defaultBackend: a\n${TWO_BACKENDS}`, expected: 'b by flag' },
      { env: { ASSET_CLI_BACKEND: 'a' }, file: `defaultBackend: b\n${TWO_BACKENDS}`, expected: 'a by environment' },
      { file: `defaultBackend: b\n${TWO_BACKENDS}`, expected: 'b by file' },
      { file: 'backends: { only: { provider: LOCAL, path: only } }', expected: 'only by default' },
      { env: { STORAGE_PROVIDER: 'LOCAL' }, expected: 'default by default' },
      { expected: 'local by default' },
    ],
  },
  'identity.user': {
    read: ({ identity }) => identity.user,
    levels: [
      { flags: { as: 'flag' }, expected: 'flag' },
      { env: { ASSET_CLI_USER: 'env' }, expected: 'env' },
      { file: 'identity: { user: file }', expected: 'file' },
      { expected: loginName() },
    ],
  },
  'identity.organization': {
    read: ({ identity }) => identity.organization,
    levels: [
      { flags: { org: 'flag' }, expected: 'flag' },
      { env: { ASSET_CLI_ORGANIZATION: 'env' }, expected: 'env' },
      { file: 'identity: { organization: file }', expected: 'file' },
      { expected: 'default' },
    ],
  },
  'identity.role': {
    read: ({ identity }) => identity.role,
    levels: [
      { flags: { role: 'member' }, expected: 'member' },
      { env: { ASSET_CLI_ROLE: 'admin' }, expected: 'admin' },
      { file: 'identity: { role: member }', expected: 'member' },
      { expected: 'operator' },
    ],
  },
  'limits.maxFileSize': {
    read: ({ limits }) => limits.maxFileSize,
    levels: [
      { file: 'limits: { maxFileSize: 2GB }', expected: 2e9 },
      { env: { MAX_FILE_SIZE: '1MiB' }, expected: 1_048_576 },
      { expected: 52_428_800 },
    ],
  },
  'limits.allowedMimeTypes': {
    read: ({ limits }) => [...limits.allowedMimeTypes].length,
    levels: [{ file: 'limits: { allowedMimeTypes: [text/html] }', expected: 1 }, { expected: 9 }],
  },
  assetTypes: {
    read: ({ assetTypes }) => assetTypes,
    levels: [
      { file: 'assetTypes: [INVOICE, SEO_REPORT]', expected: [...BUILT_IN_ASSET_TYPES, 'INVOICE'] },
      { expected: [...BUILT_IN_ASSET_TYPES] },
    ],
  },
  'timeouts.connect': {
    read: ({ timeouts }) => timeouts.connect,
    levels: [{ file: 'timeouts: { connect: 2s }', expected: 2000 }, { expected: 10_000 }],
  },
  'timeouts.deadline': {
    read: ({ timeouts }) => timeouts.deadline,
    levels: [{ file: 'timeouts: { deadline: 3m }', expected: 180_000 }, { expected: 60_000 }],
  },
  'leases.duration': {
    read: ({ leases }) => leases.duration,
    levels: [{ file: 'leases: { duration: 1m }', expected: 60_000 }, { expected: 30_000 }],
  },
  'trash.retention': {
    read: ({ trash }) => trash.retention,
    levels: [{ file: 'trash: { retention: 1d }', expected: 86_400_000 }, { expected: 604_800_000 }],
  },
  'trash.enabled': {
    read: ({ trash }) => trash.enabled,
    levels: [{ file: 'trash: { enabled: true }', expected: true }, { expected: false }],
  },
  'retention.EXPORT_FILE': {
    read: ({ retention }) => retention.get('EXPORT_FILE'),
    levels: [{ file: 'retention: { EXPORT_FILE: 30d }', expected: 2_592_000_000 }, { expected: undefined }],
  },
};

const cases = Object.entries(settings).flatMap(([name, { read, levels }]) =>
  levels.map((level, index) => ({ name, read, level, weaker: levels.slice(index + 1), expected: level.expected })),
);

describe('each setting at each level, with all weaker levels set too', () => {
  test.each(cases)('$name is $expected', async ({ read, level, weaker, expected }) => {
    const desk = await createDesk();
    const all = [level, ...weaker];
    const file = all.find((each) => each.file !== undefined)?.file;
    if (file !== undefined) await desk.write('asset-cli.config.yaml', file);
    const env = Object.assign({}, ...all.map((each) => each.env ?? {}).reverse());
    const result = await desk.settings({ flags: level.flags ?? {}, env });
    expect(read(result)).toEqual(expected);
  });
});

test('nothing configured needs nothing but a home directory', async () => {
  const desk = await createDesk();
  const data = join(desk.home, '.local/share/asset-cli');
  const { settings: result, warnings } = await desk.load();
  expect(warnings).toEqual([]);
  expect(result).toMatchObject({
    database: { engine: 'sqlite', path: join(data, 'assets.db'), url: `sqlite:${join(data, 'assets.db')}` },
    dataDirectory: data,
    sources: { configFile: null, foundInWorkingDirectory: false },
  });
  expect([...result.backends.values()]).toEqual([{ name: 'local', provider: 'LOCAL', path: join(data, 'storage') }]);
});

describe('data directory', () => {
  test.each([
    [{ ASSET_CLI_HOME: '/own', XDG_DATA_HOME: '/xdg' }, '/own'],
    [{ ASSET_CLI_HOME: '', XDG_DATA_HOME: '/xdg' }, '/xdg/asset-cli'],
    [{ HOME: '/home/ada', XDG_DATA_HOME: 'relative' }, '/home/ada/.local/share/asset-cli'],
    [{ HOME: '/home/ada', ASSET_CLI_HOME: '~/assets' }, '/home/ada/assets'],
  ])('%o gives %s', async (env, directory) => {
    const desk = await createDesk();
    expect((await desk.settings({ env })).dataDirectory).toBe(directory);
  });

  test('a relative ASSET_CLI_HOME counts from the working directory', async () => {
    const desk = await createDesk();
    const { dataDirectory } = await desk.settings({ env: { ASSET_CLI_HOME: 'data' } });
    expect(dataDirectory).toBe(join(desk.cwd, 'data'));
  });
});

describe('identity', () => {
  test.each([
    [{ name: 'ada', uid: 1000 }, 'ada'],
    [{ name: 'ada@example.com', uid: 1000 }, 'ada@example.com'],
    [{ name: 'EXAMPLE\\ada', uid: 1000 }, 'uid-1000'],
    [{ name: 'Zoë', uid: 1000 }, 'uid-1000'],
    [{ name: 'public', uid: 7 }, 'uid-7'],
    [{ name: '', uid: 7 }, 'uid-7'],
    [{ name: undefined, uid: 12_345 }, 'uid-12345'],
    [{ name: undefined, uid: undefined }, '-'],
  ])('the login %o acts as %s', (login, user) => {
    expect(loginId(login)).toBe(user);
  });

  test('on PostgreSQL the role defaults to member', async () => {
    const desk = await createDesk();
    const { identity } = await desk.settings({ flags: { database: 'postgres://db/assets' } });
    expect(identity.role).toBe('member');
  });

  test.each([
    ['a flag', { as: '-' }, {}, ''],
    ['the environment', {}, { ASSET_CLI_USER: '-' }, ''],
    ['the file', {}, {}, 'identity: { user: "-" }'],
  ])('"-" in %s means nobody', async (_where, flags, env, file) => {
    const desk = await createDesk();
    await desk.write('asset-cli.config.yaml', file);
    expect((await desk.settings({ flags, env })).identity.user).toBeNull();
  });
});

describe('wrong values outside the file name the flag or the variable', () => {
  test.each<[flags: SettingsFlags, env: Environment, code: string, words: RegExp]>([
    [{ database: 'mysql://u:geheim@db/x' }, {}, 'USAGE', /^--database: .*mysql/],
    [{ database: 'assets.db' }, {}, 'USAGE', /^--database: .*not a database url/],
    [{ database: 'sqlite:' }, {}, 'USAGE', /^--database: .*no database file/],
    [{ database: 'sqlite::memory:' }, {}, 'USAGE', /^--database: .*memory/],
    [{ database: 'sqlite://assets.db' }, {}, 'USAGE', /^--database: .*host/],
    [{ database: 'postgres:assets' }, {}, 'USAGE', /^--database: .*PostgreSQL/],
    [{ as: 'a b' }, {}, 'USAGE', /^--as: "a b"/],
    [{ as: '' }, {}, 'USAGE', /^--as: ""/],
    [{ org: 'public' }, {}, 'USAGE', /^--org: .*reserved/],
    [{ role: 'root' }, {}, 'USAGE', /^--role: "root"/],
    [{ backend: 'loca' }, {}, 'USAGE', /^--backend: .*"loca"/],
    [{ config: 'nowhere.yaml' }, {}, 'PATH_NOT_FOUND', /^--config: .*nowhere\.yaml/],
    [{ config: '.' }, {}, 'CONFIG_INVALID', /^--config: .*directory/],
    [{}, { ASSET_CLI_DATABASE: 'postgres://u:geheim@h:port/x' }, 'CONFIG_INVALID', /^ASSET_CLI_DATABASE: /],
    [{}, { ASSET_CLI_USER: '../x' }, 'CONFIG_INVALID', /^ASSET_CLI_USER: /],
    [{}, { ASSET_CLI_ORGANIZATION: 'quarantine' }, 'CONFIG_INVALID', /^ASSET_CLI_ORGANIZATION: /],
    [{}, { ASSET_CLI_ROLE: 'operatr' }, 'CONFIG_INVALID', /^ASSET_CLI_ROLE: "operatr"/],
    [{}, { ASSET_CLI_BACKEND: 'x' }, 'CONFIG_INVALID', /^ASSET_CLI_BACKEND: /],
    [{}, { ASSET_CLI_CONFIG: 'nowhere.yaml' }, 'CONFIG_INVALID', /^ASSET_CLI_CONFIG: .*nowhere\.yaml/],
    [{}, { MAX_FILE_SIZE: 'big' }, 'CONFIG_INVALID', /^MAX_FILE_SIZE: "big"/],
    [{}, { MAX_FILE_SIZE: '0' }, 'CONFIG_INVALID', /^MAX_FILE_SIZE: /],
    [{}, { STORAGE_PROVIDER: 'GSC' }, 'CONFIG_INVALID', /^STORAGE_PROVIDER: "GSC"/],
    [{}, { STORAGE_PROVIDER: 'S3' }, 'CONFIG_INVALID', /^STORAGE_PROVIDER: .*S3_BUCKET_NAME/],
    [
      {},
      { STORAGE_PROVIDER: 'S3', S3_BUCKET_NAME: 'b', S3_ENDPOINT: 'https://u:geheim@h' },
      'CONFIG_INVALID',
      /^S3_ENDPOINT: /,
    ],
  ])('%o %o', async (flags, env, code, words) => {
    const desk = await createDesk();
    const error: unknown = await desk.load({ flags, env }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(words), hint: expect.stringMatching(/./) });
    expect(JSON.stringify(error)).not.toContain('geheim');
    expect(String(error)).not.toContain('geheim');
  });

  test('the nearest value is named', async () => {
    const desk = await createDesk();
    await expect(desk.load({ flags: { role: 'operatr' } })).rejects.toMatchObject({
      hint: expect.stringContaining('Did you mean "operator"?'),
    });
  });
});
