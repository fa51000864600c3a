import { type Command, Option } from 'commander';
import { ROLES } from '../core/identity.ts';

/** The options that every command has, before or after its name. What was not given is absent. */
export interface GlobalOptions {
  config?: string;
  database?: string;
  backend?: string;
  as?: string;
  org?: string;
  role?: string;
  format?: string;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  /** false: `--no-progress` */
  progress?: boolean;
  color?: boolean;
  input?: boolean;
}

export const GLOBAL_GROUP = 'Global options:';

export function globalOptions(): Option[] {
  return [
    new Option('-c, --config <file>', 'configuration file (ASSET_CLI_CONFIG)'),
    new Option('--database <url>', 'sqlite:<path> or postgres://… (ASSET_CLI_DATABASE)'),
    new Option('-b, --backend <name>', 'upload: where to store (ASSET_CLI_BACKEND); elsewhere: only what is there'),
    new Option('--as <user>', 'who acts (ASSET_CLI_USER); - for nobody'),
    new Option('--org <organization>', 'for which organisation (ASSET_CLI_ORGANIZATION)'),
    new Option('--role <role>', 'with which rights (ASSET_CLI_ROLE)').choices(ROLES),
    new Option('--format <format>', 'text, json or jsonl; list and audit also csv (ASSET_CLI_FORMAT)'),
    new Option('--json', 'the same as --format json'),
    new Option('-q, --quiet', 'no progress and no notes'),
    new Option('-v, --verbose', 'more about errors'),
    new Option('--no-progress', 'no spinners, bars and progress lines'),
    new Option('--no-color', 'no colours (NO_COLOR)'),
    new Option('--no-input', 'never ask'),
  ].map((option) => option.helpGroup(GLOBAL_GROUP));
}

export function addGlobalOptions(command: Command): Command {
  for (const option of globalOptions()) command.addOption(option);
  return command;
}

/** What was given on the command line, on any level; the one nearer to the end wins. */
export function collectGlobals(command: Command): GlobalOptions {
  const names = new Set(globalOptions().map((option) => option.attributeName()));
  const given: Record<string, unknown> = {};
  for (let level: Command | null = command; level !== null; level = level.parent) {
    for (const [name, value] of Object.entries(level.opts())) {
      const wins = names.has(name) && !(name in given) && level.getOptionValueSource(name) === 'cli';
      if (wins) given[name] = value;
    }
  }
  return given;
}
