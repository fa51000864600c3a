import type { Command } from 'commander';
import type { MigrationRun } from '../../catalog/catalog.ts';
import { formatSize } from '../../core/size.ts';
import {
  migrationFailures,
  migrationRun,
  migrationRuns,
  migrationSkips,
  type ReportedFailure,
  type ReportedSkip,
  writeManifest,
} from '../../operations/moving/migrate-report.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { growDocument, jsonLine } from '../output/json.ts';
import type { Output } from '../output/output.ts';
import { createSink, type ItemShape } from '../output/sink.ts';
import { type Column, createTable, renderFacts } from '../output/table.ts';

const MOST_RUNS = 50;

export function configureReport(command: Command, bind: Bind): void {
  const report = command
    .command('report')
    .description('what a run did, and what failed or was skipped and why; without one, the newest runs')
    .argument('[run]', 'the id of a run, or its first 8 or more characters')
    .option('--manifest <file>', 'write its manifest from the audit trail, complete even if it was killed');
  bind(report, { formats: BASE_FORMATS, stopsWithReader: true }, runReport);
}

async function runReport(
  invocation: Invocation,
  id: string | undefined,
  options: { manifest?: string },
): Promise<number> {
  const context = await invocation.context({ readOnly: true });
  const { output } = invocation;
  if (id === undefined) {
    const sink = createSink(output, RUNS);
    await sink.add(await migrationRuns(context, MOST_RUNS));
    await sink.end();
    return EXIT_OK;
  }
  const run = await migrationRun(context, id);
  await show(output, run, migrationFailures(context, run), migrationSkips(context, run));
  if (options.manifest !== undefined) await writeManifest(context, run, options.manifest);
  return EXIT_OK;
}

/** Both lists as they come, however long they are. */
async function show(
  output: Output,
  run: MigrationRun,
  failures: AsyncIterable<ReportedFailure[]>,
  skips: AsyncIterable<ReportedSkip[]>,
): Promise<void> {
  const { out, format } = output;
  if (format === 'text') {
    await out.write(renderFacts(factsOf(run), output.paint));
    const failureTable = createTable(FAILURES, out.columns, output.paint);
    for await (const page of failures) await out.write(await failureTable(page));
    const skipTable = createTable(SKIPS, out.columns, output.paint);
    for await (const page of skips) await out.write(await skipTable(page));
  } else if (format === 'jsonl') {
    for await (const page of failures) await out.write(page.map(withId).map(jsonLine).join(''));
    for await (const page of skips) await out.write(page.map(withId).map(jsonLine).join(''));
    await out.write(jsonLine({ summary: toJson(run) }));
  } else {
    const document = growDocument(out, 'failed');
    for await (const page of failures) await document.add(page.map(withId));
    await document.next('skipped');
    for await (const page of skips) await document.add(page.map(withId));
    await document.end({ summary: toJson(run) });
  }
}

function withId<T extends { objectId: string }>({ objectId, ...rest }: T): object {
  return { id: objectId, ...rest };
}

function toJson(run: MigrationRun): Record<string, unknown> {
  const { id, organization, actor, assets, ...rest } = run;
  return { run: id, organizationId: organization, actor, migrated: assets, seconds: secondsOf(run), ...rest };
}

/** Until it ended, or last moved something. */
function secondsOf({ startedAt, updatedAt, endedAt }: MigrationRun): number {
  return (Date.parse(endedAt ?? updatedAt) - Date.parse(startedAt)) / 1000;
}

function factsOf(run: MigrationRun): (readonly [string, string])[] {
  const seconds = secondsOf(run);
  const rate = seconds > 0 ? ` (${formatSize(Math.round(run.bytes / seconds))}/s)` : '';
  return [
    ['run', run.id],
    ['from', run.from],
    ['to', run.to],
    ['organisation', run.organization ?? 'all'],
    ['by', `${run.actor ?? '-'} on ${run.host}`],
    ['started', run.startedAt],
    ['ended', run.endedAt ?? 'not yet, or it was killed'],
    ['time', `${seconds} s`],
    ['migrated', `${run.assets} assets, ${run.objects} objects, ${formatSize(run.bytes)}${rate}`],
    ['skipped', String(run.skipped)],
    ['failed', run.failed === 0 ? '0' : `${run.failed}; try them again with: ${retryOf(run)}`],
    ['remaining', run.remaining === null ? 'unknown' : String(run.remaining)],
  ];
}

function retryOf({ from, to, organization }: MigrationRun): string {
  return `asset-cli migrate --from ${from} --to ${to}${organization === null ? ' --all-orgs' : ''} --retry-failed`;
}

const FAILURES: readonly Column<ReportedFailure>[] = [
  { header: 'CODE', value: ({ code }) => code, width: 16 },
  { header: 'PATH', value: ({ storagePath }) => storagePath, width: 30, flexible: true },
  { header: 'WHY', value: ({ message }) => message, width: 40, flexible: true },
];

const SKIPS: readonly Column<ReportedSkip>[] = [
  { header: 'SKIPPED', value: ({ reason }) => reason, width: 16 },
  { header: 'PATH', value: ({ storagePath }) => storagePath, width: 30, flexible: true },
];

const RUNS: ItemShape<MigrationRun> = {
  listName: 'runs',
  toJson,
  columns: [
    {
      header: 'RUN',
      value: ({ id }) => id,
      width: 36,
      short: { below: 110, width: 8, value: ({ id }) => id.slice(0, 8) },
    },
    { header: 'STARTED', value: ({ startedAt }) => startedAt.slice(0, 19), width: 19 },
    { header: 'FROM', value: ({ from }) => from, width: 10, flexible: true },
    { header: 'TO', value: ({ to }) => to, width: 10, flexible: true },
    { header: 'MIGRATED', value: ({ assets }) => String(assets), width: 8, align: 'right' },
    { header: 'FAILED', value: ({ failed }) => String(failed), width: 6, align: 'right' },
    { header: 'ENDED', value: ({ endedAt }) => (endedAt === null ? 'no' : 'yes'), width: 5 },
  ],
};
