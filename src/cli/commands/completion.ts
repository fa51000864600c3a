import { Argument, type Command } from 'commander';
import type { Bind, Invocation } from '../command.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { describeProgram } from '../completion/model.ts';
import { zshScript } from '../completion/zsh.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { complete } from '../program.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

const EXAMPLES = `
Examples:
  $ source <(asset-cli completion bash)                # in ~/.bashrc
  $ source <(asset-cli completion zsh)                 # in ~/.zshrc, after compinit
  $ asset-cli completion fish > ~/.config/fish/completions/asset-cli.fish
`;

export function configure(command: Command, bind: Bind): void {
  command.addArgument(new Argument('<shell>', 'whose completion').choices(SHELLS)).addHelpText('after', EXAMPLES);
  const run = async ({ output }: Invocation, shell: keyof typeof SCRIPTS): Promise<number> => {
    const program = command.parent ?? command;
    for (const each of program.commands) await complete(each, bind);
    await output.out.write(SCRIPTS[shell](describeProgram(program)));
    return EXIT_OK;
  };
  bind(command, { formats: BASE_FORMATS, stopsWithReader: true }, run);
}
