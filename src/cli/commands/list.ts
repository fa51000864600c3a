import { type Command, Option } from 'commander';
import type { SortField } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import { listAssets } from '../../operations/assets/list-assets.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { addFilterOptions, type FilterOptions, toFilter } from '../options/filters.ts';
import { wholeNumber } from '../options/values.ts';
import { ASSET_COLUMNS, ASSET_FIELDS, assetRow } from '../output/assets.ts';
import { TABULAR_FORMATS } from '../output/format.ts';
import { createSink, type ItemShape } from '../output/sink.ts';

interface ListOptions extends FilterOptions {
  sort?: string;
  limit?: number;
  after?: string;
  all?: boolean;
  ids?: boolean;
  allOrgs?: boolean;
}

const DEFAULT_LIMIT = 50;
const SORT_FIELDS: readonly SortField[] = ['created', 'name', 'size', 'expires'];
const SORTS = SORT_FIELDS.flatMap((field) => [field, `-${field}`]);

const EXAMPLES = `
Examples:
  $ asset-cli list --type SEO_REPORT --created-after 2026-01-01
  $ asset-cli list --name '*.pdf' --tag run=42 --sort -size
  $ asset-cli list --all --ids | asset-cli download - -o backup/
  $ asset-cli list --json | jq -r '.assets[].fileHash'
`;

export function configure(command: Command, bind: Bind): void {
  addFilterOptions(
    command
      .addOption(
        new Option('--sort <field>', `${SORT_FIELDS.join(', ')}; with - in front: descending`)
          .choices(SORTS)
          .default('-created'),
      )
      .option('--limit <n>', `at most so many (default: ${DEFAULT_LIMIT})`, wholeNumber(1))
      .option('--after <cursor>', 'the page after the one that ended with this nextCursor')
      .option('--all', 'all pages')
      .option('--ids', 'only ids, one a line')
      .option('--all-orgs', 'every organisation (operators)'),
  ).addHelpText('after', EXAMPLES);
  bind(command, { formats: TABULAR_FORMATS, stopsWithReader: true }, runList);
}

async function runList(invocation: Invocation, options: ListOptions): Promise<number> {
  checkOptions(options, invocation);
  const context = await invocation.context({ readOnly: true });
  const { output } = invocation;
  const sink = createSink(output, options.ids === true ? IDS : ASSETS);
  const limit = options.all === true ? undefined : (options.limit ?? DEFAULT_LIMIT);
  let nextCursor: string | null = null;
  const pages = listAssets(context, {
    filter: toFilter(options, invocation.globals, context),
    allOrganizations: options.allOrgs === true,
    sort: toSort(options.sort ?? '-created'),
    ...(limit === undefined ? {} : { limit }),
    ...(options.after === undefined ? {} : { after: options.after }),
  });
  let shown = 0;
  for await (const page of pages) {
    await (options.ids === true && output.format === 'text'
      ? writeIds(invocation, page.assets)
      : sink.add(page.assets));
    shown += page.assets.length;
    ({ nextCursor } = page);
  }
  await sink.end({ nextCursor });
  if (output.format === 'text') noteRest(invocation, shown, nextCursor);
  return EXIT_OK;
}

function checkOptions(options: ListOptions, { output }: Invocation): void {
  if (options.all === true && options.limit !== undefined) {
    throw new AssetError('USAGE', '--all and --limit contradict each other', { hint: 'Give one of them.' });
  }
  if (options.ids === true && output.format === 'csv') {
    throw new AssetError('USAGE', '--ids has no csv form', { hint: 'Leave out --format: ids come one a line.' });
  }
}

function toSort(sort: string): { field: SortField; descending: boolean } {
  const name = sort.replace(/^-/, '');
  return { field: SORT_FIELDS.find((field) => field === name) ?? 'created', descending: sort.startsWith('-') };
}

async function writeIds({ output }: Invocation, assets: readonly Asset[]): Promise<void> {
  await output.out.write(assets.map((asset) => `${asset.id}\n`).join(''));
}

/** For people: what they do not see. Where the output is a pipe, nothing is said. */
function noteRest({ output }: Invocation, shown: number, nextCursor: string | null): void {
  if (!output.err.isTTY) return;
  if (shown === 0) output.note('No assets match.');
  if (nextCursor !== null) output.note(`${shown} shown, there are more: --all, or --after ${nextCursor}`);
}

const ASSETS: ItemShape<Asset> = {
  listName: 'assets',
  toJson: (asset) => asset,
  columns: ASSET_COLUMNS,
  csv: { header: ASSET_FIELDS, row: assetRow },
};

const IDS: ItemShape<Asset> = { ...ASSETS, toJson: (asset) => ({ id: asset.id }) };
