import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../support/program.ts';
import { inTerminal } from '../support/terminal.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const CASES: [string[], string[]][] = [
  [['up'], ['upload']],
  [['l'], ['list', 'ls']],
  [['list', '--ty'], ['--type']],
  [['list', '--type', 'SEO'], ['SEO_REPORT']],
  [['list', '--format', 'c'], ['csv']],
  [['--json', 'upload', 'x', '--type', 'USER'], ['USER_AVATAR']],
  [['-b', 'list', 'db', 're'], ['restore']],
  [['db', 'restore', '--y'], ['--yes']],
  [['rm', '--dry'], ['--dry-run']],
  [['completion', 'f'], ['fish']],
  [['show', ''], []],
];

async function completionScript(shell: string): Promise<string> {
  const home = await temporaryDirectory();
  const { stdout, code } = await runProgram(home, ['completion', shell]);
  expect(code).toBe(0);
  const file = join(home, `completion.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

function shell(command: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

describe.skipIf(requireTool('bash', ['--version'], 'apt-get install bash').missing)('bash', () => {
  const asks = `COMP_WORDS=(asset-cli "$@"); COMP_CWORD=$#; _asset_cli; printf '%s\\n' "\${COMPREPLY[@]}"`;

  test('completes commands, options and values', async () => {
    const file = await completionScript('bash');
    for (const [words, expected] of CASES) {
      const out = shell('bash', ['--norc', '-c', `source ${file}; ${asks}`, 'bash', ...words]);
      expect(out.split('\n').filter((line) => line !== '')).toEqual(expected);
    }
  });

  test('completes --option=value, which arrives as three words', async () => {
    const file = await completionScript('bash');
    const out = shell('bash', ['--norc', '-c', `source ${file}; ${asks}`, 'bash', 'list', '--format', '=', 'js']);
    expect(out).toBe('json\njsonl\n');
  });

  test('completes file names, with spaces too', async () => {
    const file = await completionScript('bash');
    writeFileSync(`${file} copy`, '');
    const out = shell('bash', ['--norc', '-c', `source ${file}; ${asks}`, 'bash', 'upload', `${file} c`]);
    expect(out).toBe(`${file} copy\n`);
  });
});

describe.skipIf(requireTool('fish', ['--version'], 'apt-get install fish').missing)('fish', () => {
  test('completes commands, options and values', async () => {
    const file = await completionScript('fish');
    for (const [words, expected] of CASES) {
      const line = ['asset-cli', ...words].join(' ');
      const out = shell('fish', ['--no-config', '-c', `source ${file}; complete -C ${JSON.stringify(line)}`]);
      const offered = out.split('\n').flatMap((each) => each.split('\t')[0] || []);
      expect(offered.sort()).toEqual([...expected].sort());
    }
  });
});

const noZsh = requireTool('zsh', ['--version'], 'apt-get install zsh').missing;
const noTmux = requireTool('tmux', ['-V'], 'apt-get install tmux').missing;
describe.skipIf(noZsh || noTmux)('zsh', () => {
  test.each([
    ['asset-cli upl', 'asset-cli upload'],
    ['asset-cli list --type SEO', 'asset-cli list --type SEO_REPORT'],
    ['asset-cli list --format=c', 'asset-cli list --format=csv'],
    ['asset-cli --json db rest', 'asset-cli --json db restore'],
    ['asset-cli rm --dry', 'asset-cli rm --dry-run'],
    ['asset-cli completion f', 'asset-cli completion fish'],
  ])('completes %j', async (typed, completed) => {
    const file = await completionScript('zsh');
    const terminal = await inTerminal(['zsh', '-f'], { columns: 100 });
    terminal.type(`PS1='> '; autoload -U compinit; compinit -u -d ${file}.dump; source ${file}; clear\n`);
    await terminal.shows(/^> $/m);
    terminal.type(`${typed}\t`);
    await terminal.shows(new RegExp(`^> ${completed}\\s*$`, 'm'));
  });
});
