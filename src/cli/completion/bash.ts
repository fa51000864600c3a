import { type CompletedCommand, flatten, quote } from './model.ts';
import { argumentCases, cases, subcommandCases, valueCases } from './posix.ts';

/** For bash 3.2 and newer, without the bash-completion package. */
export function bashScript(program: CompletedCommand): string {
  const commands = flatten(program);
  const options = cases(
    commands.map(({ path, options: own }) => {
      const names = own.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]));
      return [path, `words=${quote(names.join(' '))}`] as const;
    }),
  );
  const subcommands = cases(
    commands.flatMap(({ path, subcommands: below }) =>
      below.length === 0 ? [] : [[path, `words=${quote(below.flatMap(({ names }) => names).join(' '))}`] as const],
    ),
  );
  return `# bash completion for asset-cli. Use it with: source <(asset-cli completion bash)

_asset_cli_enter() {
  case "$1" in
${subcommandCases(program)}
    *) return 1 ;;
  esac
}

_asset_cli_option_value() {
  case "$1" in
${valueCases(program)}
    *) return 1 ;;
  esac
}

_asset_cli_argument() {
  case "$1" in
${argumentCases(program)}
    *) value=nothing ;;
  esac
}

_asset_cli_options() {
  case "$1" in
${options}
  esac
}

_asset_cli_subcommands() {
  case "$1" in
${subcommands}
    *) words= ;;
  esac
}

_asset_cli_offer() {
  case "$1" in
    files)
      local IFS=$'\\n'
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$2")) ;;
    words\\ *) COMPREPLY=($(compgen -W "\${1#words }" -- "$2")) ;;
    *) COMPREPLY=() ;;
  esac
}

_asset_cli() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local cmd= value= words= index=1 word
  # "--format=json" arrives as three words.
  if [ "$current" = = ]; then current=; elif [ "$previous" = = ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  while [ "$index" -lt "$COMP_CWORD" ]; do
    word="\${COMP_WORDS[index]}"
    if [ "\${word#-}" != "$word" ]; then
      if _asset_cli_option_value "$cmd/$word"; then
        index=$((index + 1))
        [ "\${COMP_WORDS[index]}" = = ] && index=$((index + 1))
      fi
    else
      _asset_cli_enter "$cmd/$word"
    fi
    index=$((index + 1))
  done
  COMPREPLY=()
  if [ "\${previous#-}" != "$previous" ] && _asset_cli_option_value "$cmd/$previous"; then
    _asset_cli_offer "$value" "$current"
    return
  fi
  if [ "\${current#-}" != "$current" ]; then
    _asset_cli_options "$cmd"
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  _asset_cli_subcommands "$cmd"
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  _asset_cli_argument "$cmd"
  _asset_cli_offer "$value" "$current"
}

complete -F _asset_cli asset-cli
`;
}
