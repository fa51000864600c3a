import { type Command, Option } from 'commander';
import type { OnInfected, ScanCondition } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import { organizationScope } from '../../operations/assets/organization-scope.ts';
import type { OperationContext } from '../../operations/context.ts';
import { requireMaintenance } from '../../operations/maintenance-rights.ts';
import { fixedSelection, measureSelection } from '../../operations/removal/delete.ts';
import { scanAssets } from '../../operations/scan/scan.ts';
import { scanFile, scanStream } from '../../operations/scan/scan-file.ts';
import type { ScanRequest } from '../../operations/scan/scan-run.ts';
import { scannedAssets } from '../../operations/scan/scan-selection.ts';
import type { Bind, Invocation } from '../command.ts';
import { LATE_OPTIMISING, withFlatMemory } from '../flat-memory.ts';
import { addFilterOptions, type FilterOptions, toFilter } from '../options/filters.ts';
import { readIds } from '../options/selection.ts';
import { wholeNumber } from '../options/values.ts';
import { confirmOrStop, countAndSize } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportFile, reportScan } from '../output/scans.ts';

interface ScanOptions extends FilterOptions {
  pending?: boolean;
  all?: boolean;
  stale?: boolean;
  file?: string;
  onInfected: OnInfected;
  concurrency: number;
  yes?: boolean;
  allOrgs?: boolean;
}

/** clamd works on 10 at once by default (MaxThreads). */
const DEFAULT_CONCURRENCY = 8;

const EXAMPLES = `
Each content is scanned once, however many assets share it; any number of hosts may share the work, and an interrupted
scan goes on. Without ids and filters every asset is meant, also expired and trashed ones. The bytes of what is infected
leave their keys at once, so that signed and CDN URLs which are out stop working; "restore" brings them back (an admin).
An admin scans the own organisation, an operator any (--all-orgs). How to run clamd: docs/scanning.md

Ends with 7 if a virus was found.

Examples:
  $ asset-cli scan
  $ asset-cli scan --stale --all-orgs --json
  $ asset-cli scan 1f0c2a9b
  $ asset-cli scan --type EMAIL_ATTACHMENT --all --on-infected delete --yes
  $ asset-cli scan --file ./download.zip
  $ curl -sL https://example.com/download.zip | asset-cli scan --file -
`;

export function configure(command: Command, bind: Bind): void {
  command
    .argument('[id...]', 'ids, or their first 8 or more characters; - reads ids from standard input')
    .option('--pending', 'what has no verdict (the default)')
    .option('--all', 'whatever verdict there is')
    .option('--stale', 'what was judged by an older signature database')
    .option('--file <path>', 'scan a local file, or - for standard input; nothing is stored or changed')
    .addOption(
      new Option('--on-infected <action>', 'what becomes of infected assets')
        .choices(['quarantine', 'delete'])
        .default('quarantine'),
    )
    .option('--concurrency <n>', 'contents at once', wholeNumber(1), DEFAULT_CONCURRENCY)
    .option('--yes', 'with --on-infected delete: do not ask')
    .option('--all-orgs', 'every organisation (operators)');
  addFilterOptions(command).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runScan);
}

async function runScan(invocation: Invocation, ids: readonly string[], options: ScanOptions): Promise<number> {
  const context = await invocation.context();
  if (options.file !== undefined) return runFile(invocation, context, ids, { ...options, file: options.file });
  requireMaintenance(context, 'scan');
  const request = await toRequest(invocation, context, ids, options);
  const mayDelete =
    request.onInfected === 'delete' && (options.yes === true || (await confirmed(invocation, context, request)));
  const onInfected = mayDelete ? 'delete' : 'quarantine';
  const outcomes = scanAssets(context, { ...request, onInfected });
  return reportScan(invocation, withFlatMemory(outcomes, LATE_OPTIMISING));
}

async function runFile(
  invocation: Invocation,
  context: OperationContext,
  ids: readonly string[],
  options: ScanOptions & { file: string },
): Promise<number> {
  const isFiltered = Object.keys(toFilter(options, invocation.globals, context)).length > 0;
  if (ids.length > 0 || isFiltered || whichOf(options) !== undefined || options.allOrgs === true) {
    throw new AssetError('USAGE', '--file cannot be combined with what selects stored assets', {
      hint: 'Give one or the other.',
    });
  }
  const path = options.file;
  const { stdin } = invocation.streams;
  const { bytes, verdict } = await (path === '-' ? scanStream(context, stdin) : scanFile(context, path));
  const isRequired = context.scanning.mode === 'required';
  return reportFile(invocation, { ...verdict, path, action: null }, bytes, isRequired);
}

async function toRequest(
  { globals, streams }: Invocation,
  context: OperationContext,
  ids: readonly string[],
  options: ScanOptions,
): Promise<ScanRequest> {
  const { onInfected, concurrency } = options;
  const filter = toFilter(options, globals, context);
  const { backend: _, ...filtersBesideBackend } = filter;
  const which = whichOf(options);
  if (ids.length > 0) {
    if (which !== undefined || Object.keys(filtersBesideBackend).length > 0) {
      throw new AssetError('USAGE', 'Ids and filters cannot be combined', { hint: 'Give one or the other.' });
    }
    const selection = { kind: 'ids' as const, ids: ids.includes('-') ? readIds(ids, streams) : ids };
    return { selection: await fixedIds(selection), onInfected, concurrency };
  }
  const everything = Object.keys(filter).length === 0;
  const scope = organizationScope(context.identity, options.allOrgs === true);
  // Whoever names a verdict means what has it.
  const kind = which ?? (filter.scanStatus === undefined ? 'pending' : 'all');
  const wanted = everything ? { status: 'any' as const, expired: 'include' as const } : filter;
  return { selection: { kind: 'filter', scope, filter: wanted, which: kind, everything }, onInfected, concurrency };
}

/** Names that are piped in can be read once only, and may be asked about before they are used. */
async function fixedIds(selection: { kind: 'ids'; ids: Iterable<string> | AsyncIterable<string> }) {
  const fixed = await fixedSelection(selection);
  return fixed.kind === 'ids' ? fixed : selection;
}

function whichOf({ pending, all, stale }: ScanOptions): ScanCondition['kind'] | undefined {
  const wishes: ScanCondition['kind'][] = [];
  if (pending === true) wishes.push('pending');
  if (all === true) wishes.push('all');
  if (stale === true) wishes.push('stale');
  if (wishes.length < 2) return wishes[0];
  throw new AssetError('USAGE', '--pending, --all and --stale exclude each other', { hint: 'Give one of them.' });
}

/** false: nothing was there to ask about; what comes meanwhile is no one's to delete. */
async function confirmed(
  { globals, streams, signal }: Invocation,
  context: OperationContext,
  { selection }: ScanRequest,
): Promise<boolean> {
  const scanned = selection.kind === 'ids' ? selection : { ...selection, filter: scannedAssets(selection) };
  const { count, bytes } = await measureSelection(context, scanned);
  if (count === 0) return false;
  const isStale = selection.kind === 'filter' && selection.which === 'stale';
  const what = isStale
    ? `what older signatures have judged of ${countAndSize(count, bytes)},`
    : countAndSize(count, bytes);
  const deed = `Scan ${what} and delete what is infected, for good`;
  await confirmOrStop(streams, { yes: false, input: globals.input !== false }, deed, signal);
  return true;
}
