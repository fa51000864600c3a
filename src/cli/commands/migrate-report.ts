import type { Command } from 'commander';
import type { MigrationRun } from '../../catalog/catalog.ts';
import { formatSize } from '../../core/size.ts';
import {
  migrationFailures,
  migrationRun,
  migrationRuns,
  type ReportedFailure,
  writeManifest,
} from '../../operations/migrate-report.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { createSink, type ItemShape } from '../output/sink.ts';
import { renderFacts } from '../output/table.ts';

const MOST_RUNS = 50;

export function configureReport(command: Command, bind: Bind): void {
  const report = command
    .command('report')
    .description('what a run did, and what failed and why; without one, the newest runs')
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
  if (output.format === 'text') await output.out.write(renderFacts(factsOf(run), output.paint));
  const sink = createSink(output, FAILURES);
  for await (const failure of migrationFailures(context, run)) await sink.add([failure]);
  await sink.end({ summary: toJson(run) });
  if (options.manifest !== undefined) await writeManifest(context, run, options.manifest);
  return EXIT_OK;
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
    ['failed', run.failed === 0 ? '0' : `${run.failed}; try them again with: asset-cli migrate --retry-failed`],
    ['remaining', run.remaining === null ? 'unknown' : String(run.remaining)],
  ];
}

const FAILURES: ItemShape<ReportedFailure> = {
  listName: 'failed',
  toJson: ({ objectId, ...failure }) => ({ id: objectId, ...failure }),
  columns: [
    { header: 'CODE', value: ({ code }) => code, width: 16 },
    { header: 'PATH', value: ({ storagePath }) => storagePath, width: 30, flexible: true },
    { header: 'WHY', value: ({ message }) => message, width: 40, flexible: true },
  ],
};

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
