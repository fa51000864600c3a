import type { Command } from 'commander';
import { restoreAssets } from '../../operations/changes/trash.ts';
import type { Bind, Invocation } from '../command.ts';
import { reportChanges } from '../output/changes.ts';
import { BASE_FORMATS } from '../output/format.ts';

const EXAMPLES = `
The owner, an admin of the organisation or an operator may, until the time in the trash ends. That time was fixed
when the asset was trashed. One that expired meanwhile is extended first. A public asset gets a new public address.

From quarantine an admin restores: the signature that was found is accepted for that content, and every asset on the
bytes comes back with it, private. Another signature quarantines it again.

Examples:
  $ asset-cli list --status trashed
  $ asset-cli restore 1f0c2a9b
  $ asset-cli list --status quarantined
`;

export function configure(command: Command, bind: Bind): void {
  command.argument('<id...>', 'ids, or their first 8 or more characters').addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runRestore);
}

async function runRestore(invocation: Invocation, ids: readonly string[]): Promise<number> {
  return reportChanges(invocation, restoreAssets(await invocation.context(), ids), ids.length);
}
