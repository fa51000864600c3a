import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cleanEnvironment, PROGRAM, runProgram } from '../support/program.ts';
import { inTerminal, type Terminal } from '../support/terminal.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const LONG_NAME = 'a report with a name that is far too long for a narrow terminal.txt';

async function homeWithAssets(): Promise<string> {
  const home = await temporaryDirectory();
  writeFileSync(join(home, LONG_NAME), 'one\n');
  writeFileSync(join(home, 'evil\u001b[31m\u202e.txt'), 'two\n');
  expect((await runProgram(home, ['upload', LONG_NAME, 'evil\u001b[31m\u202e.txt', '-q'])).code).toBe(0);
  return home;
}

function terminal(home: string, args: readonly string[], columns = 80): Promise<Terminal> {
  // The shell shows the exit status when the program is done.
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ');
  const command = ['sh', '-c', `${words}; echo "exit status $?"; sleep 60`];
  return inTerminal(command, { columns, env: cleanEnvironment(home), cwd: home });
}

async function count(home: string): Promise<number> {
  const { stdout } = await runProgram(home, ['list', '--ids']);
  return stdout.split('\n').filter((line) => line !== '').length;
}

describe.skipIf(requireTool('tmux', ['-V'], 'apt-get install tmux').missing)('in a real terminal', () => {
  test('delete asks with count and size, and does it on yes', async () => {
    const home = await homeWithAssets();
    const screen = await terminal(home, ['delete', '--all']);
    await screen.shows(/Delete 2 assets \(8 B\) for good\?.*\(y\/N\)/);
    screen.type('y\n');
    await screen.shows(/exit status 0/);
    expect(await count(home)).toBe(0);
  });

  test.each([
    ['no', 'n\n', 2],
    ['just Enter', '\n', 2],
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 2],
  ])('%s changes nothing', async (_name, keys, status) => {
    const home = await homeWithAssets();
    const screen = await terminal(home, ['delete', '--all']);
    await screen.shows(/\(y\/N\)/);
    screen.type(keys);
    await screen.shows(new RegExp(`Nothing was changed[\\s\\S]*exit status ${status}`));
    expect(await count(home)).toBe(2);
  });

  test('Ctrl-Z leaves the question open until the program is taken up again', async () => {
    const home = await homeWithAssets();
    const screen = await inTerminal(['sh', '-i'], { env: { ...cleanEnvironment(home), PS1: 'shell> ' }, cwd: home });
    await screen.shows(/shell>/);
    screen.type(`'${process.execPath}' '${PROGRAM}' delete --all\n`);
    await screen.shows(/\(y\/N\)/);
    screen.type('\u001a');
    await screen.shows(/\(y\/N\)[\s\S]*shell>/);
    screen.type('fg\n');
    await screen.shows(/fg[\s\S]*\(y\/N\)/);
    screen.type('y\n');
    await screen.shows(/2 deleted/);
    expect(await count(home)).toBe(0);
  });

  test('--no-input does not ask', async () => {
    const home = await homeWithAssets();
    const screen = await terminal(home, ['delete', '--all', '--no-input']);
    await screen.shows(/--yes[\s\S]*exit status 2/);
    expect(await count(home)).toBe(2);
  });

  test('a table fits a narrow terminal and shows names harmlessly', async () => {
    const home = await homeWithAssets();
    const screen = await terminal(home, ['list'], 50);
    const shown = await screen.shows(/exit status 0/);
    expect(shown).toMatch(/^ID +SIZE +NAME$/m);
    expect(shown).toMatch(/^[0-9a-f]{8} +4 B +a report with a name that.*…$/m);
    expect(shown).toContain('evil\\x1b[31m\\u{202e}.txt');
  });

  test('a wide terminal shows whole ids', async () => {
    const home = await homeWithAssets();
    const screen = await terminal(home, ['list'], 200);
    const shown = await screen.shows(/exit status 0/);
    expect(shown).toMatch(/^[0-9a-f-]{36} +DOCUMENT_UPLOAD +4 B +\S+ +PENDING/m);
    expect(shown).toContain(LONG_NAME);
  });
});
