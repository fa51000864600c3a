import { type Command, Option } from 'commander';
import { ROLES } from '../core/identity.ts';
import { suggest } from './options/values.ts';
import { TABULAR_FORMATS } from './output/format.ts';

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

const GLOBAL_GROUP = 'Global options:';

export function globalOptions(): Option[] {
  return [
    new Option('-c, --config <file>', 'configuration file (ASSET_CLI_CONFIG)'),
    new Option('--database <url>', 'sqlite:<path> or postgres://… (ASSET_CLI_DATABASE)'),
    new Option('-b, --backend <name>', 'upload: where to (ASSET_CLI_BACKEND); else: only there'),
    new Option('--as <user>', 'who acts (ASSET_CLI_USER); - for nobody'),
    new Option('--org <organization>', 'its organisation (ASSET_CLI_ORGANIZATION)'),
    suggest(new Option('--role <role>', `${ROLES.join(', ')} (ASSET_CLI_ROLE)`), ROLES),
    suggest(new Option('--format <format>', 'text, json, jsonl, csv (ASSET_CLI_FORMAT)'), TABULAR_FORMATS),
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

const ALL_ORGANIZATIONS = '--all-orgs';

/** Lets `--all-orgs` stand before the name of a command that has it. */
export function acceptAllOrganizations(program: Command): void {
  program.addOption(
    new Option(ALL_ORGANIZATIONS, 'every organisation (operators; not of every command)').helpGroup(GLOBAL_GROUP),
  );
  program.hook('preAction', (_program, command) => {
    if (program.opts()['allOrgs'] !== true) return;
    const isKnown = command.options.some(({ long }) => long === ALL_ORGANIZATIONS);
    if (!isKnown) command.error(`error: unknown option '${ALL_ORGANIZATIONS}'`, { code: 'commander.unknownOption' });
    command.setOptionValueWithSource('allOrgs', true, 'cli');
  });
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
