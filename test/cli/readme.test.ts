import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { globalOptions } from '../../src/cli/globals.ts';
import { complete, createProgram } from '../../src/cli/program.ts';

const README = readFileSync('README.md', 'utf8');
const GLOBAL = new Set(globalOptions().map((option) => option.long));

async function allCommands(): Promise<Command[]> {
  const program = createProgram({ version: '0', bind: () => undefined, writeOut: () => undefined, columns: undefined });
  const entries = program.commands.filter((command) => COMMANDS.some(({ name }) => name === command.name()));
  for (const command of entries) await complete(command, () => undefined);
  return entries.flatMap((command) => {
    const isOneItself = command.commands.length === 0 || command.registeredArguments.length > 0;
    return [...(isOneItself ? [command] : []), ...command.commands];
  });
}

function path(command: Command): string {
  const parent = command.parent?.name();
  return parent === undefined || parent === 'asset-cli' ? command.name() : `${parent} ${command.name()}`;
}

function optionNames(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long == null || GLOBAL.has(long) ? [] : [long]));
}

function optionsIn(text: string): string[] {
  return text.match(/--[a-z][a-z-]+/g) ?? [];
}

const FILTERS = optionsIn(/\*\*Filters\*\*:([\s\S]*?)They combine/.exec(README)?.[1] ?? '').filter(
  (name) => name !== '--backend',
);

describe('the README', () => {
  test('names every option of every command, and no other', async () => {
    for (const command of await allCommands()) {
      const row = README.split('\n').find((line) => new RegExp(`^\\| \`${path(command)}[ \`]`).test(line)) ?? '';
      const filters = /the filters/.test(row) ? FILTERS : [];
      expect([path(command), ...[...optionsIn(row.split(' | ').at(-1) ?? ''), ...filters].sort()]).toEqual([
        path(command),
        ...optionNames(command).sort(),
      ]);
    }
  });

  test('names every global option and its variable', () => {
    const section = /### Everywhere([\s\S]*?)\n## /.exec(README)?.[1] ?? '';
    expect(optionsIn(section).filter((name) => !GLOBAL.has(name))).toEqual([]);
    for (const option of globalOptions()) {
      expect(section).toContain(option.long);
      const variable = /\((ASSET_CLI_\w+|NO_COLOR)\)/.exec(option.description)?.[1];
      if (variable !== undefined) expect(section).toContain(`\`${variable}\``);
    }
  });

  test('its examples are command lines that parse', async () => {
    const commands = new Map((await allCommands()).map((command) => [path(command), command]));
    const lines = README.match(/^(?:\$ )?(?:npx )?asset-cli .*$/gm) ?? [];
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines.flatMap((each) => each.split(/[|>]/)).filter((each) => each.includes('asset-cli '))) {
      const words = line
        .slice(line.indexOf('asset-cli ') + 10)
        .trim()
        .split(/\s+/);
      const command = commands.get(words[0] ?? '');
      expect([line, command?.name()]).toEqual([line, words[0]]);
      const known = new Set([...(command === undefined ? [] : optionNames(command)), ...GLOBAL]);
      expect(optionsIn(line).filter((name) => !known.has(name))).toEqual([]);
    }
  });
});
