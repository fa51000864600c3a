import type { Command, CommanderError } from 'commander';
import { AssetError } from '../core/errors.ts';

/** Says in our words what commander found wrong with the command line. */
export function usageError(error: CommanderError, program: Command, argv: readonly string[]): AssetError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (?:one of )?(.+)\?\)/.exec(rest.join(' '))?.[1];
  const help = `See: ${subject(program, argv)} --help`;
  const hint = suggestion === undefined ? help : `Did you mean ${suggestion}? ${help}`;
  const message = error.code === 'commander.help' ? `A subcommand of ${subject(program, argv)} is missing` : first;
  return new AssetError('USAGE', capitalise(message), { hint, cause: error });
}

/** The first word that is neither an option nor the value of one before it; a later one may be a value of the command's. */
function invokedCommand(program: Command, argv: readonly string[]): Command | undefined {
  const word = argv.find((each, at) => !each.startsWith('-') && !takesValue(program, argv[at - 1] ?? ''));
  return program.commands.find((command) => command.name() === word || command.aliases().includes(word ?? ''));
}

function takesValue(program: Command, flag: string): boolean {
  return program.options.some((option) => option.required && (option.long === flag || option.short === flag));
}

function subject(program: Command, argv: readonly string[]): string {
  return `asset-cli ${invokedCommand(program, argv)?.name() ?? ''}`.trimEnd();
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
