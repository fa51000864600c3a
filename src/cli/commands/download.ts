import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { AssetError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { type DownloadOutcome, type DownloadTarget, download } from '../../operations/download/download.ts';
import type { Bind, Invocation } from '../command.ts';
import { withFlatMemory } from '../flat-memory.ts';
import { addSelectionOptions, mayBeSeveral, type SelectionOptions, toSelection } from '../options/selection.ts';
import { wholeNumber } from '../options/values.ts';
import { startBatch } from '../output/batch.ts';
import { renderFailure } from '../output/errors.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportRun } from '../output/runs.ts';
import { ReaderGone } from '../output/streams.ts';
import type { Column } from '../output/table.ts';

interface DownloadOptions extends SelectionOptions {
  output?: string;
  force?: boolean;
  concurrency: number;
}

type Downloaded = Extract<DownloadOutcome, { kind: 'downloaded' }>;

const EXAMPLES = `
Every byte is verified against the asset's hash while it streams; a target is never left
half-written. Without -o files go to the working directory under their original names.

Examples:
  $ asset-cli download 1f0c2a9b -o report.pdf
  $ asset-cli download 1f0c2a9b -o - | tar x
  $ asset-cli download --type SEO_REPORT --created-after 2026-01-01 -o reports/
  $ asset-cli list --all --ids --tag run=42 | asset-cli download - -o reports/
`;

export function configure(command: Command, bind: Bind): void {
  command
    .addOption(
      new Option('-o, --output <file|dir|->', 'a file, a directory (made if it is missing), or - for standard output'),
    )
    .option('--force', 'replace files that exist')
    .option('--concurrency <n>', 'assets that are downloaded at once', wholeNumber(1), 16);
  addSelectionOptions(command).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: true }, runDownload);
}

async function runDownload(invocation: Invocation, ids: readonly string[], options: DownloadOptions): Promise<number> {
  const context = await invocation.context();
  const { globals, streams } = invocation;
  const selection = toSelection(ids, options, globals, context, streams);
  const target = chooseTarget(ids, options.output, invocation);
  const force = options.force === true;
  if (target.kind === 'stream') {
    // One after the other: they share the stream.
    return reportStreamed(invocation, download(context, { selection, target, force, concurrency: 1, isAlone: true }));
  }
  const concurrency = mayBeSeveral(ids) ? options.concurrency : 1;
  const outcomes = download(context, { selection, target, force, concurrency, isAlone: concurrency === 1 });
  return reportFiles(invocation, withFlatMemory(outcomes));
}

function chooseTarget(ids: readonly string[], path: string | undefined, { streams }: Invocation): DownloadTarget {
  if (path === '-') return { kind: 'stream', stream: streams.stdout, lends: true };
  if (path === undefined) return { kind: 'directory', path: '.' };
  if (path === '') throw new AssetError('USAGE', '-o is empty', { hint: 'Give a file, a directory or -.' });
  const directory = isDirectory(path);
  if (mayBeSeveral(ids) && directory === false) {
    throw new AssetError('USAGE', `${path} is a file, and several assets need a directory`, {
      hint: 'Give a directory with -o; it is made if it is missing.',
    });
  }
  if (directory === true || path.endsWith('/') || mayBeSeveral(ids)) return { kind: 'directory', path };
  return { kind: 'file', path };
}

/** undefined: nothing is there, or nothing that can be looked at: the attempt to write will tell why. */
function isDirectory(path: string): boolean | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function reportFiles(invocation: Invocation, outcomes: AsyncIterable<DownloadOutcome>): Promise<number> {
  let downloaded = 0;
  let bytes = 0;
  return reportRun<DownloadOutcome, Downloaded>(invocation, outcomes, {
    shape: { listName: 'downloaded', toJson: ({ id, path, bytes }) => ({ id, path, bytes }), columns: COLUMNS },
    toItem: (outcome) =>
      outcome.kind === 'downloaded'
        ? { item: outcome }
        : { subject: outcome.id, identity: { id: outcome.id }, failure: outcome.failure },
    count: (outcome) => {
      if (outcome.kind !== 'downloaded') return;
      downloaded += 1;
      bytes += outcome.bytes;
    },
    summary: (failed) => ({ downloaded, failed, bytes }),
    describe: (failed) => `${downloaded} downloaded (${formatSize(bytes)})${failed > 0 ? `, ${failed} failed` : ''}`,
  });
}

const COLUMNS: readonly Column<Downloaded>[] = [
  {
    header: 'ID',
    value: ({ id }) => id,
    width: 36,
    short: { below: 110, width: 8, value: ({ id }) => id.slice(0, 8) },
  },
  { header: 'SIZE', value: ({ bytes }) => formatSize(bytes), width: 8, align: 'right' },
  { header: 'PATH', value: ({ path }) => path, width: 12, flexible: true },
];

/** Standard output carries the content, so only failures are told, on stderr. */
async function reportStreamed({ output }: Invocation, outcomes: AsyncIterable<DownloadOutcome>): Promise<number> {
  const batch = startBatch(output);
  for await (const outcome of outcomes) {
    if (output.out.closed) throw new ReaderGone('the reader of the content is gone');
    if (outcome.kind === 'downloaded') batch.succeeded();
    else {
      batch.failed(outcome.failure);
      if (output.format === 'text')
        await output.err.write(renderFailure(outcome.id, outcome.failure, output.paintError));
    }
  }
  return batch.end();
}
