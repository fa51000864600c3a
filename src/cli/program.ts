import { Command, Help } from 'commander';
import type { Bind } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { acceptAllOrganizations, addGlobalOptions } from './globals.ts';
import { TOPICS } from './help/topics.ts';

const WIDEST_HELP = 100;
/** One width, so that the text can be kept ready (help/top-level.ts). */
const TOP_LEVEL_WIDTH = 80;

const SYNOPSIS =
  "Owns an organisation's stored files: what each file is, who may see it, where its bytes are, " +
  'and everything that ever happened to it.';

export interface ProgramOptions {
  version: string;
  bind: Bind;
  /** Commander's own output: help. */
  writeOut: (text: string) => void;
  columns: number | undefined;
}

/** The whole command line, with only summaries of the commands; each is completed when it is invoked. */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command('asset-cli')
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: options.writeOut, writeErr: () => undefined })
    .configureHelp({ helpWidth: helpWidth(options.columns), subcommandTerm, formatHelp })
    .description(SYNOPSIS)
    .usage('<command> [options]')
    .helpOption('-h, --help', 'show this help')
    .version(options.version, '-V, --version', 'print the version')
    .helpCommand(false)
    .enablePositionalOptions();
  addGlobalOptions(program);
  acceptAllOrganizations(program);
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).enablePositionalOptions().description(entry.summary);
    if (entry.alias !== undefined) command.alias(entry.alias);
  }
  addHelpCommand(program, options);
  program.hook('preSubcommand', (_program, command) => complete(command, options.bind));
  program.addHelpText('after', topLevelFooter());
  // The commands have taken over the settings of their help; the top level's is the same everywhere.
  return program.configureHelp({ helpWidth: TOP_LEVEL_WIDTH, subcommandTerm, formatHelp });
}

function helpWidth(columns: number | undefined): number {
  return Math.min(columns ?? WIDEST_HELP, WIDEST_HELP);
}

function subcommandTerm(command: Command): string {
  return [command.name(), ...command.aliases()].join(', ');
}

/** Commander's own help, with the commands, which most readers look for, before the options. */
function formatHelp(command: Command, helper: Help): string {
  const sections = Help.prototype.formatHelp.call(helper, command, helper).trimEnd().split('\n\n');
  const commands = sections.filter((section) => section.startsWith('Commands:'));
  const others = sections.filter((section) => !section.startsWith('Commands:'));
  const optionsAt = others.findIndex((section) => section.startsWith('Options:'));
  others.splice(optionsAt === -1 ? others.length : optionsAt, 0, ...commands);
  return `${others.join('\n\n')}\n`;
}

const completed = new WeakSet<Command>();

/** Loads the file of a command and lets it add its arguments, options, help and action. */
export async function complete(command: Command, bind: Bind): Promise<void> {
  if (completed.has(command)) return;
  completed.add(command);
  const entry = COMMANDS.find((each) => each.name === command.name());
  (await entry?.load())?.configure(command, bind);
  // After the command's own, so that the help shows those first.
  for (const each of [command, ...command.commands]) addGlobalOptions(each);
}

function addHelpCommand(program: Command, options: ProgramOptions): void {
  program
    .command('help')
    .description('show help for a command or a topic')
    .argument('[command|topic]', `a command, or one of: ${Object.keys(TOPICS).join(', ')}`)
    .argument('[subcommand]')
    .action((name?: string, subcommand?: string) => showHelp(program, options, name, subcommand));
}

async function showHelp(
  program: Command,
  options: ProgramOptions,
  name: string | undefined,
  subcommand: string | undefined,
): Promise<void> {
  if (name === undefined) return program.help();
  const topic = Object.hasOwn(TOPICS, name) ? TOPICS[name] : undefined;
  if (topic !== undefined) {
    options.writeOut(topic.text);
    return;
  }
  const command = findCommand(program, name);
  if (command === undefined) program.parse(['node', 'asset-cli', name]);
  else {
    await complete(command, options.bind);
    (findCommand(command, subcommand) ?? command).help();
  }
}

function findCommand(parent: Command, name: string | undefined): Command | undefined {
  return parent.commands.find((each) => each.name() === name || (name !== undefined && each.aliases().includes(name)));
}

function topLevelFooter(): string {
  const topics = Object.entries(TOPICS).map(([name, topic]) => `  help ${name.padEnd(12)} ${topic.summary}`);
  return `\nTopics:\n${topics.join('\n')}\n\nExamples:\n${EXAMPLES}`;
}

const EXAMPLES = `  $ asset-cli upload report.pdf --type SEO_REPORT
  $ asset-cli list --type SEO_REPORT
  $ asset-cli download 1f0c2a9b -o .
`;
