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
});

it('a program that runs out of things to wait for never looks as if it had done its work', async () => {
  const folder = await temporaryDirectory();
  cpSync(dirname(PROGRAM), join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'main.cjs'), 'exports.main = () => new Promise(() => undefined);\n');
  const prefix = [process.execPath, join(folder, 'bin', 'asset-cli.js')];
  expect(await finished(startProgram(home, ['list'], { prefix }))).toMatchObject({ code: 1 });
});
