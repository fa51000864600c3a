/** What commander renders; test/cli/help.test.ts compares, `npx vitest run test/cli/help.test.ts -u` writes it anew. */
export const TOP_LEVEL_HELP = `Usage: asset-cli <command> [options]

Owns an organisation's stored files: what each file is, who may see it, where
its bytes are, and everything that ever happened to it.

Commands:
  upload                validate, hash and store files
  download              write assets to files or standard output, verified
  list, ls              page through assets, newest first
  show                  show assets in full, and what happened to them
  sign                  print a URL that works without credentials for a while
  delete, rm            remove assets and their bytes
  restore               bring assets back from the trash or from quarantine
  extend                change when assets expire
  publish               give assets a public address
  unpublish             take assets back from their public address
  scan                  scan stored assets for viruses with ClamAV
  purge-expired         remove what has expired, old trash and abandoned uploads
  migrate               move assets between backends, verified, while everyone
                        keeps working
  verify                compare database and storage, and repair
  stats                 count assets and bytes, and what expires when
  audit                 read the audit trail
  serve                 the same over HTTP, for programs with tokens
  token                 make, list and revoke bearer tokens for serve
  db                    migrate, inspect, back up and restore the catalog
  init                  ask, test the answers, write a configuration
  doctor                check configuration, database, backends and scanner
  completion            print shell completion
  help                  show help for a command or a topic

Options:
  -V, --version         print the version
  -h, --help            show this help

Global options:
  -c, --config <file>   configuration file (ASSET_CLI_CONFIG)
  --database <url>      sqlite:<path> or postgres://… (ASSET_CLI_DATABASE)
  -b, --backend <name>  upload: where to (ASSET_CLI_BACKEND); else: only there
  --as <user>           who acts (ASSET_CLI_USER); - for nobody
  --org <organization>  its organisation (ASSET_CLI_ORGANIZATION)
  --role <role>         member, admin, operator (ASSET_CLI_ROLE)
  --format <format>     text, json, jsonl, csv (ASSET_CLI_FORMAT)
  --json                the same as --format json
  -q, --quiet           no progress and no notes
  -v, --verbose         more about errors
  --no-progress         no spinners, bars and progress lines
  --no-color            no colours (NO_COLOR)
  --no-input            never ask
  --all-orgs            every organisation (operators; not of every command)

Topics:
  help exit-codes   what the exit status tells a script
  help formats      text, json, jsonl, csv and prometheus

Examples:
  $ asset-cli upload report.pdf --type SEO_REPORT
  $ asset-cli list --type SEO_REPORT
  $ asset-cli download 1f0c2a9b -o .

`;
