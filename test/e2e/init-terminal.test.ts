import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cleanEnvironment, PROGRAM } from '../support/program.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';
import { inTerminal, type Terminal } from '../support/terminal.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const { missing } = requireTool('tmux', ['-V'], 'apt-get install tmux');
const DOWN = '\u001b[B';

function initIn(home: string, env: Record<string, string> = {}, args: readonly string[] = []): Promise<Terminal> {
  const words = [process.execPath, PROGRAM, 'init', ...args].map((word) => `'${word}'`).join(' ');
  const command = ['sh', '-c', `${words}; echo "exit status $?"; sleep 60`];
  return inTerminal(command, { columns: 160, rows: 50, env: cleanEnvironment(home, env), cwd: home });
}

/** Waits for a question before it is answered, as a person does. */
async function answer(screen: Terminal, question: RegExp, keys: string): Promise<void> {
  await screen.shows(question);
  screen.type(keys);
}

describe.skipIf(missing)('init in a real terminal', () => {
  test('with Enter alone: the embedded default, in this directory', async () => {
    const home = await temporaryDirectory();
    const screen = await initIn(home);
    await answer(screen, /Where should the configuration be\?/, '\n');
    await answer(screen, /Where should the catalog live\?/, '\n');
    await answer(screen, /ok +database: sqlite[\s\S]*Where should files live\?/, '\n');
    await answer(screen, /Which directory\? \(\/.*storage\)/, '\n');
    await answer(screen, /A name for this backend\? \(local\)/, '\n');
    await answer(screen, /ok +backend local: LOCAL: wrote, read[\s\S]*Write \/.*\?/, '\n');
    await screen.shows(
      /Wrote [\s\S]*asset-cli doctor\n +asset-cli upload <file>\n +asset-cli list[\s\S]*exit status 0/,
    );
    expect(statSync(join(home, 'asset-cli.config.yaml')).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 2],
  ])('%s changes nothing', async (_name, key, status) => {
    const home = await temporaryDirectory();
    const screen = await initIn(home, {}, ['--user-wide', '--database', `sqlite:${join(home, 'own.db')}`]);
    await answer(screen, /Where should files live\?/, key);
    await screen.shows(new RegExp(`No configuration was written[\\s\\S]*exit status ${status}`));
    expect(existsSync(join(home, 'config'))).toBe(false);
  });

  test('asks before it replaces a file, and takes no for an answer', async () => {
    const home = await temporaryDirectory();
    writeFileSync(join(home, 'own.yaml'), '# mine\n');
    const screen = await initIn(home, {}, ['--config', 'own.yaml']);
    await answer(screen, /own\.yaml exists already\. Replace it\? \(y\/N\)/, '\n');
    await screen.shows(/Nothing was changed[\s\S]*exit status 2/);
    expect(readFileSync(join(home, 'own.yaml'), 'utf8')).toBe('# mine\n');
  });
});

await describeWithService('s3', 'init in a real terminal, with S3', (s3) => {
  test.skipIf(missing)('offers the profiles that it finds, and asks again after a wrong bucket', async () => {
    const home = await temporaryDirectory();
    const bucket = await createBucket('s3');
    mkdirSync(join(home, '.aws'));
    writeFileSync(join(home, '.aws', 'config'), `[default]\nregion = eu-west-1\n[profile ci]\nregion = ${s3.region}\n`);
    const keys = `aws_access_key_id = ${s3.accessKeyId}\naws_secret_access_key = ${s3.secretAccessKey}\n`;
    writeFileSync(join(home, '.aws', 'credentials'), `[ci]\n${keys}`);
    const screen = await initIn(home, { S3_ENDPOINT: s3.url }, ['--user-wide', '--provider', 'S3']);
    await answer(screen, /Where should the catalog live\?/, '\n');
    await answer(screen, /With which AWS credentials\?[\s\S]*profile ci \(us-east-1\)/, `${DOWN}${DOWN}\n`);
    await answer(screen, new RegExp(`Its endpoint\\?.*${s3.url}`), '\n');
    await answer(screen, /Which bucket\?/, 'is-not-there\n');
    await answer(screen, /In which region\?.*us-east-1/, '\n');
    await answer(screen, /A prefix/, 'team/reports\n');
    await answer(screen, /A name for this backend\? \(s3\)/, 'reports\n');
    await answer(screen, /error +backend reports: [\s\S]*That does not work\. Answer again\? \(Y\/n\)/, '\n');

    await answer(screen, /Answer again[\s\S]*Where should files live\?/, '\n');
    await answer(screen, /Answer again[\s\S]*With which AWS credentials\?/, '\n');
    await answer(screen, /Answer again[\s\S]*Its endpoint\?/, '\n');
    await answer(screen, /Answer again[\s\S]*Which bucket\? \(is-not-there\)/, `${bucket}\n`);
    await answer(screen, /Answer again[\s\S]*In which region\?/, '\n');
    await answer(screen, /Answer again[\s\S]*A prefix.*team\/reports/, '\n');
    await answer(screen, /Answer again[\s\S]*A name for this backend\? \(reports\)/, '\n');
    await answer(
      screen,
      /ok +backend reports: AWS_S3: wrote, read, listed, signed and deleted a probe[\s\S]*Write /,
      'y\n',
    );
    const shown = await screen.shows(/exit status 0/);
    expect(shown).not.toContain(s3.secretAccessKey);
    const text = readFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), 'utf8');
    expect(text).toContain('profile: ci\n');
    expect(text).toContain('prefix: team/reports\n');
    expect(text).toContain(`bucket: ${bucket}\n`);
    expect(text).not.toContain(s3.secretAccessKey);
  });
});
