import type { Asset } from '../../core/asset.ts';
import { type ErrorCode, errorOf } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import type { ChangeOutcome } from '../../operations/changes/change-outcome.ts';
import type { Invocation } from '../command.ts';
import { batchExitCode } from '../exit-codes.ts';
import { shortTime } from './dates.ts';
import { renderError } from './errors.ts';
import { jsonDocument, jsonLine } from './json.ts';
import { type Column, createTable } from './table.ts';

/** Shows assets that were changed one by one: an Asset in JSON, an array for several. Returns the exit status. */
export async function reportChanges(
  { output }: Invocation,
  outcomes: AsyncIterable<ChangeOutcome>,
  asked: number,
  columns: readonly Column<Asset>[] = LIFE_COLUMNS,
): Promise<number> {
  const changed: Asset[] = [];
  const failures: ErrorCode[] = [];
  for await (const outcome of outcomes) {
    if (outcome.kind === 'failed') {
      failures.push(outcome.failure.code);
      const view = { json: output.format !== 'text', verbose: output.verbose, paint: output.paintError };
      await output.err.write(renderError(errorOf(outcome.failure), view));
      continue;
    }
    if (output.format === 'jsonl') await output.out.write(jsonLine(outcome.asset));
    else changed.push(outcome.asset);
  }
  if (output.format === 'text' && changed.length > 0) {
    await output.out.write(await createTable(columns, output.out.columns, output.paint)(changed));
  }
  // One asset from quarantine brings all others on its bytes.
  const document = asked === 1 && changed.length < 2 ? changed[0] : changed;
  if (output.format === 'json' && document !== undefined) await output.out.write(jsonDocument(document));
  return batchExitCode(asked, failures);
}

/** The same, with the addresses of what was published. */
export function reportVisibility(
  invocation: Invocation,
  outcomes: AsyncIterable<ChangeOutcome>,
  asked: number,
): Promise<number> {
  return reportChanges(invocation, outcomes, asked, VISIBILITY_COLUMNS);
}

const ID_COLUMN: Column<Asset> = {
  header: 'ID',
  value: (asset) => asset.id,
  width: 36,
  short: { below: 110, width: 8, value: (asset) => asset.id.slice(0, 8) },
};

const VISIBILITY_COLUMNS: readonly Column<Asset>[] = [
  ID_COLUMN,
  { header: 'ACCESS', value: (asset) => (asset.isPublic ? 'public' : 'private'), width: 7 },
  { header: 'NAME', value: (asset) => asset.originalFilename, width: 24, from: 84 },
  { header: 'ADDRESS', value: (asset) => asset.cdnUrl ?? asset.storagePath, width: 24, flexible: true },
];

const LIFE_COLUMNS: readonly Column<Asset>[] = [
  ID_COLUMN,
  { header: 'STATUS', value: (asset) => asset.status, width: 11 },
  { header: 'SIZE', value: (asset) => formatSize(asset.fileSize), width: 8, align: 'right', from: 84 },
  { header: 'EXPIRES (UTC)', value: (asset) => shortTime(asset.expiresAt), width: 16 },
  { header: 'NAME', value: (asset) => asset.originalFilename, width: 12, flexible: true },
];
