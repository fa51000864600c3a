import type { Argument, Command, Option } from 'commander';
import { suggestedValues } from '../options/values.ts';

/** What a shell may offer for a value: these words, file names, or nothing. */
export type Candidates = { kind: 'words'; words: readonly string[] } | { kind: 'files' } | { kind: 'nothing' };

export interface CompletedOption {
  /** `-c`, or absent. */
  short?: string;
  /** `--config` */
  long: string;
  description: string;
  /** Absent: the option takes no value. */
  value?: Candidates;
}

/** A command as the completion scripts know it. */
export interface CompletedCommand {
  /** Empty for the program itself; `db backup` for a subcommand. */
  path: string;
  /** How it may be written, without its parents. */
  names: readonly string[];
  description: string;
  options: readonly CompletedOption[];
  argument: Candidates;
  subcommands: readonly CompletedCommand[];
}

const FILE_PLACEHOLDER = /^[<[](file|path|dir)/;

export function describeProgram(program: Command): CompletedCommand {
  return describeCommand(program, '');
}

function describeCommand(command: Command, path: string): CompletedCommand {
  const help = command.createHelp();
  return {
    path,
    names: [command.name(), ...command.aliases()],
    description: command.description(),
    options: help.visibleOptions(command).map(describeOption),
    argument: candidatesOf(command.registeredArguments[0]),
    subcommands: command.commands.map((each) => describeCommand(each, `${path} ${each.name()}`.trim())),
  };
}

function describeOption(option: Option): CompletedOption {
  const described = { long: option.long ?? option.flags, description: option.description };
  const named = option.short === undefined ? described : { ...described, short: option.short };
  return option.required || option.optional ? { ...named, value: valuesOf(option) } : named;
}

function valuesOf(option: Option): Candidates {
  const words = suggestedValues(option);
  if (words.length > 0) return { kind: 'words', words };
  const placeholder = option.flags.slice(option.flags.indexOf('<'));
  return { kind: FILE_PLACEHOLDER.test(placeholder) ? 'files' : 'nothing' };
}

function candidatesOf(argument: Argument | undefined): Candidates {
  if (argument === undefined) return { kind: 'nothing' };
  if (argument.argChoices !== undefined) return { kind: 'words', words: argument.argChoices };
  return { kind: FILE_PLACEHOLDER.test(`<${argument.name()}`) ? 'files' : 'nothing' };
}

/** The command and all below it. */
export function flatten(command: CompletedCommand): CompletedCommand[] {
  return [command, ...command.subcommands.flatMap(flatten)];
}

/** One word of a POSIX shell, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
