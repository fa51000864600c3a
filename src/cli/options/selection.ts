import { type Command, Option } from 'commander';
import { AssetError } from '../../core/errors.ts';
import type { Selection } from '../../operations/assets/select-assets.ts';
import type { OperationContext } from '../../operations/context.ts';
import type { GlobalOptions } from '../globals.ts';
import type { Streams } from '../output/streams.ts';
import { addFilterOptions, type FilterOptions, toFilter } from './filters.ts';

export interface SelectionOptions extends FilterOptions {
  all?: boolean;
}

/** Arguments and options of a command that works on named assets or on those that match. */
export function addSelectionOptions(command: Command, all = 'every active asset that the filters leave'): Command {
  command
    .argument('[id...]', 'ids, or their first 8 or more characters; - reads ids from standard input')
    .addOption(new Option('--all', all));
  return addFilterOptions(command);
}

/**
 * What is selected, by ids or by filters, never by both and never by nothing.
 * @throws AssetError USAGE
 */
export function toSelection(
  ids: readonly string[],
  options: SelectionOptions,
  globals: GlobalOptions,
  context: OperationContext,
  streams: Streams,
): Selection {
  const filter = toFilter(options, globals, context);
  // ids ignore --backend
  const { backend: _, ...filtersBesideBackend } = filter;
  const filtered = Object.keys(filtersBesideBackend).length > 0 || options.all === true;
  if (ids.length > 0) {
    if (filtered)
      throw new AssetError('USAGE', 'Ids and filters cannot be combined', { hint: 'Give one or the other.' });
    return { kind: 'ids', ids: ids.includes('-') ? readIds(ids, streams) : ids };
  }
  if (!filtered && filter.backend === undefined) {
    throw new AssetError('USAGE', 'Nothing is selected', { hint: 'Give ids or filters, or --all for every asset.' });
  }
  return { kind: 'filter', scope: { organization: context.identity.organization }, filter };
}

/** More than one asset may be meant. */
export function mayBeSeveral(ids: readonly string[]): boolean {
  return ids.length !== 1 || ids[0] === '-';
}

/** The ids as given, with those from standard input in place of `-`. */
export async function* readIds(ids: readonly string[], streams: Streams): AsyncGenerator<string> {
  for (const id of ids) {
    if (id === '-') yield* readLines(streams);
    else yield id;
  }
}

async function* readLines(streams: Streams): AsyncGenerator<string> {
  const { createInterface } = await import('node:readline');
  for await (const line of createInterface({ input: streams.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    const id = line.trim();
    if (id !== '') yield id;
  }
}
