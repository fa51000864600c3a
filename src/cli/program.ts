import { Command, Help } from 'commander';
import { COMMANDS, type CommandEntry } from './commands/index.ts';
import type { Bind } from './command.ts';
import { addGlobalOptions, GLOBAL_GROUP } from './globals.ts';
import { TOPICS } from './help/topics.ts';

export const SYNOPSIS =
  "Owns an organisation's stored files: what each file is, who may see it, where its bytes are,\n" +
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
  const program = new Command('asset-cli');
  setUp(program, options)
    .description(SYNOPSIS)
    .version(options.version, '-V, --version', 'print the version')
    .helpCommand(false)
    .enablePositionalOptions()
    .usage('<command> [options]')
    .action(() => program.help());
  for (const entry of COMMANDS) {
    const command = program.command(entry.name);
    setUp(command, options).description(entry.summary);
    if (entry.alias !== undefined) command.alias(entry.alias);
  }
  addHelpCommand(program, options);
  program.hook('preSubcommand', (_program, command) => complete(command, options.bind));
  program.addHelpText('after', topLevelFooter());
  return program;
}

function setUp(command: Command, options: ProgramOptions): Command {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: options.writeOut,
      writeErr: () => undefined,
      getOutHelpWidth: () => options.columns ?? 100,
      getOutHasColors: () => false,
    })
    .helpOption('-h, --help', 'show this help')
    .configureHelp({ sortSubcommands: false, helpWidth: options.columns ?? 100 });
  return addGlobalOptions(command);
}

const completed = new WeakSet<Command>();

/** Loads the file of a command and lets it add its arguments, options, help and action. */
export async function complete(command: Command, bind: Bind): Promise<void> {
  const entry = COMMANDS.find((each) => each.name === command.name());
  if (entry === undefined || completed.has(command)) return;
  completed.add(command);
  const loaded = await entry.load();
  loaded.configure(command, bind);
}

function addHelpCommand(program: Command, options: ProgramOptions): void {
  const command = program
    .command('help')
    .description('show help for a command or a topic')
    .argument('[command|topic]', `a command, or one of: ${Object.keys(TOPICS).join(', ')}`)
    .argument('[subcommand]');
  setUp(command, options).action(async (name: string | undefined, subcommand: string | undefined) => {
    await showHelp(program, options, name, subcommand);
  });
}

async function showHelp(
  program: Command,
  options: ProgramOptions,
  name: string | undefined,
  subcommand: string | undefined,
): Promise<void> {
  if (name === undefined) program.help();
  const topic = TOPICS[name];
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
