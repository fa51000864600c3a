import type { Command } from 'commander';
import { formatSize } from '../../core/size.ts';
import type { OperationContext } from '../../operations/context.ts';
import {
  type DeleteOutcome,
  type DeleteRequest,
  deleteAssets,
  fixedSelection,
  measureSelection,
} from '../../operations/removal/delete.ts';
import type { MaxDelete } from '../../operations/removal/max-delete.ts';
import type { Bind, Invocation } from '../command.ts';
import { addMaxDeleteOption } from '../options/max-delete.ts';
import { addSelectionOptions, type SelectionOptions, toSelection } from '../options/selection.ts';
import { confirmOrStop, countAndSize } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportRun } from '../output/runs.ts';
import type { Column } from '../output/table.ts';

interface DeleteOptions extends SelectionOptions {
  yes?: boolean;
  dryRun?: boolean;
  /** undefined: as the configuration says. */
  trash?: boolean;
  maxDelete?: MaxDelete;
}

type Deleted = Exclude<DeleteOutcome, { kind: 'failed' }>;

const EXAMPLES = `
The owner, an admin of the organisation or an operator may. The bytes go with the last asset on them.
What goes to the trash can be restored until the time there (trash.retention, 7d) ends. What is in the trash already
is deleted for good; with --trash it is left there, and refused (exit 11).

Examples:
  $ asset-cli delete 1f0c2a9b
  $ asset-cli delete --type EXPORT_FILE --created-before 2025-01-01 --dry-run
  $ asset-cli delete --tag run=42 --yes --json
  $ asset-cli delete 1f0c2a9b --trash
  $ asset-cli delete --project website --max-delete 100 --yes
`;

export function configure(command: Command, bind: Bind): void {
  command
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show what would be removed or refused, and change nothing')
    .option('--trash', 'to the trash, from where it can be restored (the default where trash.enabled is set)')
    .option('--no-trash', 'for good, even where trash.enabled is set');
  addSelectionOptions(addMaxDeleteOption(command)).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runDelete);
}

async function runDelete(invocation: Invocation, ids: readonly string[], options: DeleteOptions): Promise<number> {
  const dryRun = options.dryRun === true;
  const context = await invocation.context({ readOnly: dryRun });
  const selected = toSelection(ids, options, invocation.globals, context, invocation.streams);
  const asks = !dryRun && options.yes !== true;
  // The question comes before the deed, and names that are piped in can be read once only.
  const selection = asks ? await fixedSelection(selected) : selected;
  const request: DeleteRequest = {
    selection,
    dryRun,
    ...(options.trash === undefined ? {} : { trash: options.trash }),
    ...(options.maxDelete === undefined ? {} : { maxDelete: options.maxDelete }),
  };
  if (asks) await confirm(invocation, context, request);
  return report(invocation, deleteAssets(context, request), dryRun);
}

async function confirm(
  { globals, streams, signal }: Invocation,
  context: OperationContext,
  request: DeleteRequest,
): Promise<void> {
  const { count, bytes } = await measureSelection(context, request.selection);
  if (count === 0) return;
  const deed = deedOf(request, context.lifecycle.trashEnabled, countAndSize(count, bytes));
  await confirmOrStop(streams, { yes: false, input: globals.input !== false }, deed, signal);
}

/** What is in the trash already goes for good, unless --trash says otherwise. */
function deedOf({ selection, trash }: DeleteRequest, trashEnabled: boolean, what: string): string {
  const status = selection.kind === 'filter' ? (selection.filter.status ?? 'active') : 'any';
  const isFinal = trash === false || (trash === undefined && (!trashEnabled || status === 'trashed'));
  if (isFinal) return `Delete ${what} for good`;
  const mayHoldTrash = trash === undefined && status === 'any';
  return `Move ${what} to the trash${mayHoldTrash ? ', and delete for good what is there already' : ''}`;
}

function report(invocation: Invocation, outcomes: AsyncIterable<DeleteOutcome>, dryRun: boolean): Promise<number> {
  let deleted = 0;
  let trashed = 0;
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
      if (outcome.kind === 'trashed' || outcome.kind === 'would-trash') trashed += 1;
      else deleted += 1;
      bytes += outcome.bytes;
    },
    summary: (failed) => ({ deleted, trashed, bytes, failed, dryRun }),
    describe: (failed) => {
      const parts = trashed === 0 || deleted > 0 ? [`${deleted} ${verb} (${formatSize(bytes)})`] : [];
      if (trashed > 0) parts.push(`${trashed} ${dryRun ? 'would go ' : 'moved '}to the trash`);
      if (failed > 0) parts.push(`${failed} failed`);
      return parts.join(', ');
    },
  });
}

const RESULTS: Readonly<Record<Deleted['kind'], string>> = {
  deleted: 'deleted',
  trashed: 'trashed',
  'would-delete': 'would be deleted',
  'would-trash': 'would be trashed',
};

const COLUMNS: readonly Column<Deleted>[] = [
  { header: 'ID', value: ({ id }) => id, width: 36, short: { below: 60, width: 8, value: ({ id }) => id.slice(0, 8) } },
  { header: 'BYTES FREED', value: ({ bytes }) => formatSize(bytes), width: 11, align: 'right' },
  {
    header: 'RESULT',
    value: ({ kind }) => RESULTS[kind],
    width: 16,
    flexible: true,
  },
];
