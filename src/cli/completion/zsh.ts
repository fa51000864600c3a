import { type CompletedCommand, flatten, quote } from './model.ts';
import { argumentCases, cases, subcommandCases, valueCases } from './posix.ts';

/** Works sourced, and as a file `_asset-cli` in `$fpath`. */
export function zshScript(program: CompletedCommand): string {
  const commands = flatten(program);
  const options = cases(
    commands.map(({ path, options: own }) => {
      const entries = own.flatMap(({ short, long, description }) =>
        [short, long].flatMap((name) => (name === undefined ? [] : [describe(name, description)])),
      );
      return [path, `entries=(${entries.join(' ')})`] as const;
    }),
  );
  const subcommands = cases(
    commands.flatMap(({ path, subcommands: below }) => {
      const entries = below.flatMap(({ names, description }) => names.map((name) => describe(name, description)));
      return entries.length === 0 ? [] : [[path, `entries=(${entries.join(' ')})`] as const];
    }),
  );
  return `#compdef asset-cli
# zsh completion for asset-cli. Use it with: source <(asset-cli completion zsh)

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
    *) entries=() ;;
  esac
}

_asset_cli_offer() {
  case "$1" in
    files) _files ;;
    words\\ *) compadd -- \${=1#words } ;;
  esac
}

_asset_cli() {
  local cmd= value= index=2 word previous="\${words[CURRENT-1]}"
  local -a entries
  while (( index < CURRENT )); do
    word="\${words[index]}"
    if [[ "$word" == -* ]]; then
      _asset_cli_option_value "$cmd/$word" && (( index++ ))
    else
      _asset_cli_enter "$cmd/$word"
    fi
    (( index++ ))
  done
  if [[ "\${words[CURRENT]}" == --*=* ]] && _asset_cli_option_value "$cmd/\${words[CURRENT]%%=*}"; then
    compset -P 1 '*='
    _asset_cli_offer "$value"
  elif [[ "$previous" == -* ]] && _asset_cli_option_value "$cmd/$previous"; then
    _asset_cli_offer "$value"
  elif [[ "\${words[CURRENT]}" == -* ]]; then
    _asset_cli_options "$cmd"
    _describe -o option entries
  else
    _asset_cli_subcommands "$cmd"
    if (( $#entries )); then
      _describe command entries
    else
      _asset_cli_argument "$cmd"
      _asset_cli_offer "$value"
    fi
  fi
}

if [[ "$funcstack[1]" == _asset-cli ]]; then
  _asset_cli "$@"
else
  compdef _asset_cli asset-cli
fi
`;
}

/** `name:description`, as _describe takes it. */
function describe(name: string, description: string): string {
  return quote(`${name.replaceAll(':', '\\:')}:${description}`);
}
