import type { Command } from 'commander';
import { publishAssets } from '../../operations/changes/publish.ts';
import type { Bind, Invocation } from '../command.ts';
import { reportVisibility } from '../output/changes.ts';
import { BASE_FORMATS } from '../output/format.ts';

const EXAMPLES = `
The owner, an admin of the organisation or an operator may. The asset gets a public address of its own: everyone may
read it there if the bucket opens its "public/" prefix, and behind cdn.domain if that is configured (cdnUrl). Others
who hold the same content stay private. Readers notice nothing; what is infected is never published.

Each time is a new address: one that was withdrawn does not come back. What is public already stays as it is.

Examples:
  $ asset-cli publish 1f0c2a9b
  $ asset-cli publish 1f0c2a9b --json | jq -r .cdnUrl
  $ asset-cli list --project web --ids | xargs asset-cli publish
`;

export function configure(command: Command, bind: Bind): void {
  command.argument('<id...>', 'ids, or their first 8 or more characters').addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runPublish);
}

async function runPublish(invocation: Invocation, ids: readonly string[]): Promise<number> {
  return reportVisibility(invocation, publishAssets(await invocation.context(), ids), ids.length);
}
