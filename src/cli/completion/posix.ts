import { type Candidates, type CompletedCommand, flatten, quote } from './model.ts';

/**
 * The tables that the bash and zsh scripts look into: one line of `case` for each command and for
 * each option that takes a value.
 */
export function subcommandCases(program: CompletedCommand): string {
  return cases(
    flatten(program).flatMap((command) =>
      command.subcommands.flatMap((sub) =>
        sub.names.map((name) => [`${command.path}/${name}`, `cmd=${quote(sub.path)}`] as const),
      ),
    ),
  );
}

/** By command and option: what its value may be. */
export function valueCases(program: CompletedCommand): string {
  return cases(
    flatten(program).flatMap((command) =>
      command.options.flatMap(({ short, long, value }) => {
        if (value === undefined) return [];
        const action = `value=${quote(encode(value))}`;
        return [short, long].flatMap((name) =>
          name === undefined ? [] : [[`${command.path}/${name}`, action] as const],
        );
      }),
    ),
  );
}

/** By command: what its arguments may be. */
export function argumentCases(program: CompletedCommand): string {
  const known = flatten(program).filter(({ argument }) => argument.kind !== 'nothing');
  return cases(known.map(({ path, argument }) => [path, `value=${quote(encode(argument))}`] as const));
}

/** `files`, `nothing`, or the words behind `words `. */
function encode(candidates: Candidates): string {
  return candidates.kind === 'words' ? `words ${candidates.words.join(' ')}` : candidates.kind;
}

export function cases(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([pattern, action]) => `    ${quote(pattern)}) ${action} ;;`).join('\n');
}
