import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { finished, PROGRAM, type ProgramResult, runProgram, startProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

let home: string;

beforeEach(async () => {
  home = join(await temporaryDirectory(), 'home');
  mkdirSync(home);
});

function list(database: string, env: Record<string, string> = {}): Promise<ProgramResult> {
  return runProgram(home, ['list', '--database', database], { env });
}

describe('a database that cannot be meant', () => {
  it.each([
    ['0', 'is not from 1 to 65535'],
    ['65536', 'is not from 1 to 65535'],
    ['99999', 'is not from 1 to 65535'],
    ['54x', 'is not a whole number'],
  ])('is refused: PGPORT=%s', async (port, reason) => {
    const result = await list('postgres://u@127.0.0.1/cat', { PGPORT: port });
    expect(result).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining(reason) });
  });

  it.each([
    ['?sslmod=verify-full', 'Did you mean "sslmode"?'],
    ['?ssl=true', 'unknown parameter "ssl"'],
    ['?channel_binding=require', 'channel_binding (PGCHANNELBINDING), which is not supported'],
    ['?sslcrl=x.pem', 'sslcrl (PGSSLCRL), which is not supported'],
    ['?target_session_attrs=primery', 'target_session_attrs is none of any, read-write'],
    ['?hostaddr=localhost', 'hostaddr is not an address'],
    ['?ssl_min_protocol_version=TLSv9', 'ssl_min_protocol_version is none of'],
    ['?host=a,b&port=1,2,3', 'the number of hosts, 2, is another than that of port, 3'],
    ['?load_balance_hosts=random', 'load_balance_hosts (PGLOADBALANCEHOSTS), which is not supported'],
  ])('is refused: %s', async (query, reason) => {
    const result = await list(`postgres://${query.startsWith('?host=') ? '' : 'u@127.0.0.1'}/cat${query}`);
    expect(result).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining(reason) });
  });

  it('is looked for on a Unix socket, with the login where psql has it', async () => {
    const result = await list(`postgres://me:pa55@/cat?host=${home}`);
    const location = `postgres://me@/cat?host=${home} cannot be reached`;
    expect(result).toMatchObject({ code: 8, stdout: '', stderr: expect.stringContaining(location) });
  });

  it('is refused without showing what may be the rest of a password', async () => {
    const result = await list('postgres://user:12?pa55@127.0.0.1/cat');
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('unknown parameter\n') });
    expect(result.stderr).not.toContain('pa55');
  });

  it.each(['h1:1,h2:2,', 'h1,h2:x', 'u:pa55,w@h1,,h2'])('is refused: several hosts, %s', async (hosts) => {
    const result = await list(`postgres://${hosts}/cat`);
    expect(result).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('the database URL is wrong') });
    expect(result.stderr).not.toContain('pa55');
  });

  it.each([
    ['PGCHANNELBINDING', 'require'],
    ['PGGSSENCMODE', 'require'],
    ['PGREQUIREAUTH', 'scram-sha-256'],
    ['PGSSLCRL', '/etc/crl.pem'],
    ['PGLOADBALANCEHOSTS', 'random'],
  ])('is refused: %s=%s', async (name, value) => {
    const result = await list('postgres:///cat', { [name]: value });
    expect(result).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('not supported') });
  });
});

it('a program that runs out of things to wait for never looks as if it had done its work', async () => {
  const folder = await temporaryDirectory();
  cpSync(dirname(PROGRAM), join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'main.cjs'), 'exports.main = () => new Promise(() => undefined);\n');
  const prefix = [process.execPath, join(folder, 'bin', 'asset-cli.js')];
  expect(await finished(startProgram(home, ['list'], { prefix }))).toMatchObject({ code: 1 });
});
