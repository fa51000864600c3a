import type { Command } from 'commander';
import { unpublishAssets } from '../../operations/changes/publish.ts';
import type { Bind, Invocation } from '../command.ts';
import { reportVisibility } from '../output/changes.ts';
import { BASE_FORMATS } from '../output/format.ts';

const EXAMPLES = `
The owner, an admin of the organisation or an operator may. The bytes leave the public path at once, and readers of
this tool notice nothing. What a CDN or a browser has fetched before may be seen there for up to an hour more
(Cache-Control: max-age=3600): purge it at the CDN if that is too long. What is private already stays as it is.

Examples:
  $ asset-cli unpublish 1f0c2a9b
  $ asset-cli list --public --project web --ids | xargs asset-cli unpublish
`;

export function configure(command: Command, bind: Bind): void {
  command.argument('<id...>', 'ids, or their first 8 or more characters').addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runUnpublish);
}

async function runUnpublish(invocation: Invocation, ids: readonly string[]): Promise<number> {
  return reportVisibility(invocation, unpublishAssets(await invocation.context(), ids), ids.length);
}
