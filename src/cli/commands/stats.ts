import type { Command } from 'commander';
import type { AssetStat, CatalogStatistics, StatCount } from '../../catalog/catalog.ts';
import { formatSize } from '../../core/size.ts';
import { readStatistics } from '../../operations/assets/statistics.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { STATISTICS_FORMATS } from '../output/format.ts';
import { jsonDocument, jsonLine } from '../output/json.ts';
import { toPrometheus } from '../output/prometheus.ts';
import { type Column, createTable } from '../output/table.ts';

const EXAMPLES = `
Of your organisation; of every one with --all-orgs; of one backend with -b. An asset's bytes are those of its content; an object's those
that lie in the store. "deduplicated" is what assets need no bytes of their own for, because others hold the same;
"compressed" are the objects that are stored as gzip, and the bytes that this saves.

Examples:
  $ asset-cli stats
  $ asset-cli stats --json | jq '.expiring'
  $ asset-cli stats --all-orgs --format prometheus > /var/lib/node_exporter/asset-cli.prom.new &&
      mv /var/lib/node_exporter/asset-cli.prom.new /var/lib/node_exporter/asset-cli.prom
`;

export function configure(command: Command, bind: Bind): void {
  command.option('--all-orgs', 'every organisation (operators)').addHelpText('after', EXAMPLES);
  bind(command, { formats: STATISTICS_FORMATS, stopsWithReader: true }, runStats);
}

async function runStats(invocation: Invocation, options: { allOrgs?: boolean }): Promise<number> {
  const { output } = invocation;
  const context = await invocation.context({ readOnly: true });
  const statistics = await readStatistics(context, options.allOrgs === true, invocation.globals.backend);
  await output.out.write(await render(invocation, statistics));
  return EXIT_OK;
}

async function render({ output }: Invocation, statistics: CatalogStatistics): Promise<string> {
  if (output.format === 'prometheus') return toPrometheus(statistics);
  if (output.format === 'json') return jsonDocument(statistics);
  if (output.format === 'jsonl') return jsonLine(statistics);
  return createTable(COLUMNS, output.out.columns, output.paint)(rowsOf(statistics));
}

interface Row extends StatCount {
  what: string;
  which: string;
}

function rowsOf(statistics: CatalogStatistics): Row[] {
  const { assets, objects, expired, expiring, deduplicated, compressed } = statistics;
  return [
    { what: 'assets', which: 'all', ...total(assets) },
    ...grouped(assets, 'organization', (stat) => stat.organizationId),
    ...grouped(assets, 'type', (stat) => stat.assetType),
    ...grouped(assets, 'backend', (stat) => stat.backend),
    ...grouped(assets, 'status', (stat) => stat.status),
    ...grouped(assets, 'scan', (stat) => stat.scanStatus),
    ...objects.map((object) => ({ ...object, what: 'objects', which: `${object.state} in ${object.backend}` })),
    { what: 'deduplicated', which: 'saved', ...deduplicated },
    { what: 'compressed', which: 'saved', ...compressed },
    { what: 'expired', which: 'already', ...expired },
    ...expiring.map((within) => ({ ...within, what: 'expires', which: `within ${within.days} days` })),
  ];
}

function total(stats: readonly StatCount[]): StatCount {
  const sum = { count: 0, bytes: 0 };
  for (const { count, bytes } of stats) {
    sum.count += count;
    sum.bytes += bytes;
  }
  return sum;
}

function grouped(stats: readonly AssetStat[], what: string, keyOf: (stat: AssetStat) => string): Row[] {
  const groups = new Map<string, AssetStat[]>();
  for (const stat of stats) groups.set(keyOf(stat), [...(groups.get(keyOf(stat)) ?? []), stat]);
  return [...groups].map(([which, members]) => ({ what, which, ...total(members) }));
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'WHAT', value: ({ what }) => what, width: 12 },
  {
    header: 'WHICH',
    value: ({ which }) => which,
    width: 24,
    short: { below: 60, width: 12, value: ({ which }) => which },
  },
  { header: 'COUNT', value: ({ count }) => String(count), width: 9, align: 'right' },
  { header: 'BYTES', value: ({ bytes }) => formatSize(bytes), width: 9, align: 'right', from: 48, flexible: true },
];
