import type { Command } from 'commander';
import { type ErrorCode, toFailure } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { type ShownAsset, showAssets } from '../../operations/assets/show-assets.ts';
import type { Bind, Invocation } from '../command.ts';
import { batchExitCode } from '../exit-codes.ts';
import { ASSET_FIELDS } from '../output/assets.ts';
import { renderError } from '../output/errors.ts';
import { EVENT_SHAPE } from '../output/events.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { jsonDocument, jsonLine, jsonText } from '../output/json.ts';
import { createTable, renderFacts } from '../output/table.ts';

const EXAMPLES = `
downloadCount counts downloads through this tool; reads by a signed or CDN URL cannot be seen.

Examples:
  $ asset-cli show 1f0c2a9b
  $ asset-cli show 1f0c2a9b --history
  $ asset-cli show 1f0c2a9b --json | jq -r .fileHash
`;

export function configure(command: Command, bind: Bind): void {
  command
    .argument('<id...>', 'ids, or their first 8 or more characters')
    .option('--history', 'with what happened to it, newest first')
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: true }, runShow);
}

async function runShow(
  invocation: Invocation,
  ids: readonly string[],
  options: { history?: boolean },
): Promise<number> {
  const context = await invocation.context({ readOnly: true });
  const { output } = invocation;
  const failures: ErrorCode[] = [];
  const shown: object[] = [];
  for await (const outcome of showAssets(context, { ids, history: options.history === true })) {
    if (outcome.kind === 'failed') {
      failures.push(toFailure(outcome.error).code);
      await reportFailure(invocation, outcome.error);
      continue;
    }
    if (output.format === 'json') shown.push(toJson(outcome));
    else if (output.format === 'jsonl') await output.out.write(jsonLine(toJson(outcome)));
    else await writeText(invocation, outcome, ids.length > 1);
  }
  if (output.format === 'json') await writeDocument(invocation, shown, ids.length);
  return batchExitCode(ids.length, failures);
}

function toJson({ asset, history }: ShownAsset): object {
  return history === undefined ? asset : { ...asset, history: history.map(EVENT_SHAPE.toJson) };
}

/** One asset for one id, else an array; nothing where the one id led nowhere. */
async function writeDocument({ output }: Invocation, shown: readonly object[], asked: number): Promise<void> {
  const document = asked === 1 ? shown[0] : shown;
  if (document !== undefined) await output.out.write(jsonDocument(document));
}

async function reportFailure({ output }: Invocation, error: unknown): Promise<void> {
  const { verbose, paintError: paint } = output;
  await output.err.write(renderError(error, { json: output.format !== 'text', verbose, paint }));
}

async function writeText({ output }: Invocation, { asset, history }: ShownAsset, several: boolean): Promise<void> {
  const facts = ASSET_FIELDS.map((field) => {
    const value = asset[field];
    if (value === null) return [field, '-'] as const;
    if (field === 'fileSize') return [field, `${asset.fileSize} (${formatSize(asset.fileSize)})`] as const;
    return [field, typeof value === 'object' ? jsonText(value) : String(value)] as const;
  });
  await output.out.write(renderFacts(facts, output.paint));
  if (history !== undefined) {
    await output.out.write(`\n${await createTable(EVENT_SHAPE.columns, output.out.columns, output.paint)(history)}`);
  }
  if (several) await output.out.write('\n');
}
