import type { Command } from 'commander';
import { formatSize } from '../../core/size.ts';
import type { OperationContext } from '../../operations/context.ts';
import { type DeleteOutcome, deleteAssets, measureSelection } from '../../operations/delete.ts';
import type { Selection } from '../../operations/select-assets.ts';
import type { Bind, Invocation } from '../command.ts';
import { addSelectionOptions, type SelectionOptions, toSelection } from '../options/selection.ts';
import { confirmOrStop, countAndSize } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportRun } from '../output/runs.ts';
import type { Column } from '../output/table.ts';

interface DeleteOptions extends SelectionOptions {
  yes?: boolean;
  dryRun?: boolean;
}

type Deleted = Exclude<DeleteOutcome, { kind: 'failed' }>;

const EXAMPLES = `
The owner, an admin of the organisation or an operator may. The bytes go with the last asset on them.

Examples:
  $ asset-cli delete 1f0c2a9b
  $ asset-cli delete --type EXPORT_FILE --created-before 2025-01-01 --dry-run
  $ asset-cli delete --tag run=42 --yes --json
`;

export function configure(command: Command, bind: Bind): void {
  command
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show what would be removed or refused, and change nothing');
  addSelectionOptions(command).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runDelete);
}

async function runDelete(invocation: Invocation, ids: readonly string[], options: DeleteOptions): Promise<number> {
  const dryRun = options.dryRun === true;
  const context = await invocation.context({ readOnly: dryRun });
  const selected = toSelection(ids, options, invocation.globals, context, invocation.streams);
  const asks = !dryRun && options.yes !== true;
  const selection = asks ? await fixed(selected) : selected;
  if (asks) await confirm(invocation, context, selection);
  return report(invocation, deleteAssets(context, { selection, dryRun }), dryRun);
}

/** Standard input can be read once only, and the question comes before the deed. */
async function fixed(selection: Selection): Promise<Selection> {
  if (selection.kind === 'filter') return selection;
  const ids: string[] = [];
  for await (const id of selection.ids) ids.push(id);
  return { kind: 'ids', ids };
}

async function confirm(
  { globals, streams, signal }: Invocation,
  context: OperationContext,
  selection: Selection,
): Promise<void> {
  const { count, bytes } = await measureSelection(context, selection);
  if (count === 0) return;
  const deed = `Delete ${countAndSize(count, bytes)} for good`;
  await confirmOrStop(streams, { yes: false, input: globals.input !== false }, deed, signal);
}

function report(invocation: Invocation, outcomes: AsyncIterable<DeleteOutcome>, dryRun: boolean): Promise<number> {
  let deleted = 0;
  let bytes = 0;
  const verb = dryRun ? 'would be deleted' : 'deleted';
  return reportRun<DeleteOutcome, Deleted>(invocation, outcomes, {
    shape: { toJson: (outcome) => ({ id: outcome.id, bytes: outcome.bytes, dryRun }), columns: COLUMNS },
    toItem: (outcome) =>
      outcome.kind === 'failed'
        ? { subject: outcome.id, identity: { id: outcome.id }, failure: outcome.failure }
        : { item: outcome },
    count: (outcome) => {
      if (outcome.kind === 'failed') return;
      deleted += 1;
      bytes += outcome.bytes;
    },
    summary: (failed) => ({ deleted, bytes, failed, dryRun }),
    describe: (failed) => `${deleted} ${verb} (${formatSize(bytes)})${failed > 0 ? `, ${failed} failed` : ''}`,
  });
}

const COLUMNS: readonly Column<Deleted>[] = [
  { header: 'ID', value: ({ id }) => id, width: 36, short: { below: 60, width: 8, value: ({ id }) => id.slice(0, 8) } },
  { header: 'BYTES FREED', value: ({ bytes }) => formatSize(bytes), width: 11, align: 'right' },
  {
    header: 'RESULT',
    value: ({ kind }) => (kind === 'deleted' ? 'deleted' : 'would be deleted'),
    width: 16,
    flexible: true,
  },
];
