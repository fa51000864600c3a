import type { Candidates, CompletedCommand, CompletedOption } from './model.ts';

export function fishScript(program: CompletedCommand): string {
  const lines = [
    '# fish completion for asset-cli. Use it with: asset-cli completion fish | source',
    'complete -c asset-cli -f',
    ...describe(program, undefined),
    ...program.subcommands.flatMap((command) => [
      ...describe(command, command.names),
      ...command.subcommands.flatMap((sub) => describe(sub, command.names)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The lines for one command: its options, its subcommands and its arguments. */
function describe(command: CompletedCommand, parents: readonly string[] | undefined): string[] {
  const below = command.subcommands.flatMap(({ names }) => names);
  const here = conditionOf(command, parents);
  const beforeSubcommand =
    below.length === 0 ? here : `${here}; and not __fish_seen_subcommand_from ${below.join(' ')}`;
  const names = command.subcommands.flatMap((sub) =>
    sub.names.map(
      (name) => `complete -c asset-cli -n ${quote(beforeSubcommand)} -a ${name} -d ${quote(sub.description)}`,
    ),
  );
  const options = command.options.map((option) => optionLine(option, here));
  const argument = command.argument.kind === 'nothing' ? [] : [argumentLine(command.argument, here)];
  return [...names, ...options, ...argument];
}

function conditionOf(command: CompletedCommand, parents: readonly string[] | undefined): string {
  if (parents === undefined) return 'true';
  const isSubcommand = command.path.includes(' ');
  const own = `__fish_seen_subcommand_from ${command.names.join(' ')}`;
  return isSubcommand ? `__fish_seen_subcommand_from ${parents.join(' ')}; and ${own}` : own;
}

function optionLine({ short, long, description, value }: CompletedOption, condition: string): string {
  const shortPart = short === undefined ? '' : ` -s ${short.slice(1)}`;
  return `complete -c asset-cli -n ${quote(condition)}${shortPart} -l ${long.slice(2)}${valuePart(value)} -d ${quote(description)}`;
}

function valuePart(value: Candidates | undefined): string {
  if (value === undefined) return '';
  if (value.kind === 'files') return ' -r -F';
  return value.kind === 'words' ? ` -x -a ${quote(value.words.join(' '))}` : ' -x';
}

function argumentLine(argument: Candidates, condition: string): string {
  const offer = argument.kind === 'words' ? `-a ${quote(argument.words.join(' '))}` : '-F';
  return `complete -c asset-cli -n ${quote(condition)} ${offer}`;
}

/** Fish knows only two escapes inside single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
