// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as files have them are what is tested
import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDesk, type Desk } from '../support/settings.ts';

function named(organization: string, extension = 'yaml'): string {
  return extension === 'json'
    ? `{"identity":{"organization":"${organization}"}}`
    : `identity: { organization: ${organization} }`;
}

async function found(desk: Desk, options: Parameters<Desk['load']>[0] = {}): Promise<string> {
  return (await desk.load(options)).settings.identity.organization;
}

describe('which file is taken', () => {
  test('--config before ASSET_CLI_CONFIG before the working directory before the home directory', async () => {
    const desk = await createDesk();
    await desk.write('flag.yaml', named('flag'));
    await desk.write('env.yaml', named('env'));
    await desk.write('asset-cli.config.yaml', named('working'));
    await desk.write('../.config/asset-cli/config.yaml', named('home'));
    const env = { ASSET_CLI_CONFIG: 'env.yaml' };
    expect(await found(desk, { flags: { config: 'flag.yaml' }, env })).toBe('flag');
    expect(await found(desk, { env })).toBe('env');
    expect(await found(desk)).toBe('working');
    await rm(join(desk.cwd, 'asset-cli.config.yaml'));
    expect(await found(desk)).toBe('home');
  });

  test.each(['yaml', 'yml', 'json'])('asset-cli.config.%s and config.%s are found', async (extension) => {
    const desk = await createDesk();
    await desk.write(`../.config/asset-cli/config.${extension}`, named('home', extension));
    expect(await found(desk)).toBe('home');
    await desk.write(`asset-cli.config.${extension}`, named('working', extension));
    expect(await found(desk)).toBe('working');
  });

  test('the nearest upward, and yaml before yml before json', async () => {
    const desk = await createDesk();
    const cwd = join(desk.cwd, 'a/b/c');
    await mkdir(cwd, { recursive: true });
    await desk.write('asset-cli.config.yaml', named('far'));
    expect(await found(desk, { cwd })).toBe('far');
    await desk.write('a/asset-cli.config.json', named('json', 'json'));
    expect(await found(desk, { cwd })).toBe('json');
    await desk.write('a/asset-cli.config.yml', named('yml'));
    expect(await found(desk, { cwd })).toBe('yml');
    const { warnings } = await desk.load({ cwd });
    expect(warnings).toEqual([expect.stringMatching(/config\.json is not read: .*config\.yml goes before it$/)]);
    await desk.write('a/b/c/asset-cli.config.yaml', named('near'));
    expect(await found(desk, { cwd })).toBe('near');
  });

  test('XDG_CONFIG_HOME in place of ~/.config, unless it is relative', async () => {
    const desk = await createDesk();
    await desk.write('../xdg/asset-cli/config.yml', named('xdg'));
    await desk.write('../.config/asset-cli/config.yaml', named('home'));
    expect(await found(desk, { env: { XDG_CONFIG_HOME: join(desk.home, 'xdg') } })).toBe('xdg');
    expect(await found(desk, { env: { XDG_CONFIG_HOME: '../xdg' } })).toBe('home');
  });

  test('directories and broken links of that name are passed by', async () => {
    const desk = await createDesk();
    await mkdir(join(desk.cwd, 'asset-cli.config.yaml'));
    await symlink('nowhere', join(desk.cwd, 'asset-cli.config.yml'));
    expect(await found(desk)).toBe('default');
  });

  test('where it came from is said', async () => {
    const desk = await createDesk();
    const path = await desk.write('asset-cli.config.yaml', named('working'));
    const sources = async (options = {}) => (await desk.load(options)).settings.sources;
    expect(await sources()).toMatchObject({ configFile: path, foundInWorkingDirectory: true });
    expect(await sources({ flags: { config: 'asset-cli.config.yaml' } })).toMatchObject({
      configFile: path,
      foundInWorkingDirectory: false,
    });
  });
});

describe('what is in it', () => {
  test.each([
    '',
    '\n',
    '# nothing yet\n',
    '---\n',
    'backends:\n  # none yet\n',
    'null\n',
    '\ufeff# with a byte order mark\n',
  ])('a file with nothing to say is fine: %j', async (text) => {
    const desk = await createDesk();
    await desk.write('asset-cli.config.yaml', text);
    expect(await found(desk)).toBe('default');
  });

  test('a file may have 256 KiB and no more', async () => {
    const desk = await createDesk();
    const text = `${named('acme')}\n`;
    await desk.write('asset-cli.config.yaml', text + '#'.repeat(256 * 1024 - text.length));
    expect(await found(desk)).toBe('acme');
    await desk.write('asset-cli.config.yaml', text + '#'.repeat(256 * 1024 - text.length + 1));
    await expect(found(desk)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('large'),
    });
  });

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['mappings', '{a: '.repeat(30_000)],
    ['dashes', '- '.repeat(100_000)],
    ['brackets in JSON', '['.repeat(250_000), 'json'],
    ['colons', 'a: '.repeat(80_000)],
    ['levels', Array.from({ length: 700 }, (_, level) => `${' '.repeat(level)}a:\n`).join('')],
    ['a valid deep list', `limits: ${'['.repeat(2000)}${']'.repeat(2000)}`],
    ['equal keys', 'a: 1\n'.repeat(50_000)],
    ['other keys', Array.from({ length: 20_000 }, (_, index) => `key${index}: 1\n`).join('')],
  ])('an endless number of %s is refused', async (_what, text, format = 'yaml') => {
    const desk = await createDesk();
    await desk.write(`asset-cli.config.${format}`, text);
    await expect(found(desk)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('a variable puts text into a value, never structure into the file', async () => {
    const desk = await createDesk();
    await desk.write('asset-cli.config.yaml', 'identity: { user: "${ASSET_CLI_X}" }');
    const env = { ASSET_CLI_X: 'ci", role: operator, organization: "other' };
    await expect(desk.load({ env })).rejects.toMatchObject({ message: expect.stringContaining('identity.user') });
  });

  test('numbers, truth values, sizes and durations may come from variables', async () => {
    const desk = await createDesk();
    const text = [
      'limits: { maxFileSize: "${ASSET_CLI_SIZE}" }',
      'timeouts: { connect: "${ASSET_CLI_SECONDS}s" }',
      'backends: { s: { provider: AWS_S3, bucket: acme, forcePathStyle: "${ASSET_CLI_STYLE}" } }',
    ];
    await desk.write('asset-cli.config.yaml', text.join('\n'));
    const env = { ASSET_CLI_SIZE: '1024', ASSET_CLI_SECONDS: '7', ASSET_CLI_STYLE: 'true' };
    const settings = await desk.settings({ env });
    expect(settings.limits.maxFileSize).toBe(1024);
    expect(settings.timeouts.connect).toBe(7000);
    expect(settings.backends.get('s')).toMatchObject({ forcePathStyle: true });
  });

  test('a named pipe may be named, as in --config <(…)', async () => {
    const desk = await createDesk();
    const path = join(desk.cwd, 'pipe');
    execFileSync('mkfifo', [path]);
    const [organization] = await Promise.all([
      found(desk, { flags: { config: path } }),
      writeFile(path, named('piped')),
    ]);
    expect(organization).toBe('piped');
  });
});
