import type { Command } from 'commander';
import { AssetError } from '../../core/errors.ts';
import { extendAssets } from '../../operations/changes/extend.ts';
import type { Bind, Invocation } from '../command.ts';
import { addExpiryOptions, type ExpiryOptions, toExpiry } from '../options/expiry.ts';
import { reportChanges } from '../output/changes.ts';
import { BASE_FORMATS } from '../output/format.ts';

const EXAMPLES = `
Permitted like delete: the owner, an admin of the organisation or an operator. An expired asset that was not
removed yet comes back, also one in the trash (then: asset-cli restore).

Examples:
  $ asset-cli extend 1f0c2a9b --expires-in 90d
  $ asset-cli extend 1f0c2a9b 7d33e0c1 --expires-at 2031-01-01
  $ asset-cli extend 1f0c2a9b --never
`;

export function configure(command: Command, bind: Bind): void {
  command.argument('<id...>', 'ids, or their first 8 or more characters');
  addExpiryOptions(command).option('--never', 'does not expire').addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runExtend);
}

async function runExtend(invocation: Invocation, ids: readonly string[], options: ExpiryOptions): Promise<number> {
  const expiry = toExpiry(options);
  if (expiry === undefined) {
    throw new AssetError('USAGE', 'When shall it expire?', { hint: 'Give --expires-in, --expires-at or --never.' });
  }
  return reportChanges(invocation, extendAssets(await invocation.context(), ids, expiry), ids.length);
}
