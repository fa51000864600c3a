import type { ObjectRecord, ScanJob } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import { SCAN_MARGIN, type ScanVerdict } from '../../scan/scanner.ts';
import type { OperationContext } from '../context.ts';
import { chunksOf, isDamage, openContent, readSmall } from '../download/read-asset.ts';
import { gracePeriod } from '../stopping.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import type { ScanRun } from './scan-run.ts';

/** Up to this size content is sent from memory. */
export const LARGEST_IN_MEMORY = 2 ** 20;

/**
 * Has content judged, from whichever stored copy is whole. What was scanned is what the record says: the last bytes of
 * a damaged copy are never sent. undefined: its last asset went meanwhile, and with it what there was to judge.
 * @throws AssetError BYTES_MISSING, BYTES_DAMAGED, SCANNER_UNAVAILABLE, or what the store answers
 */
export async function scanContent(run: ScanRun, job: ScanJob): Promise<ScanVerdict | undefined> {
  const { context } = run;
  const tried = new Set<string>();
  const isUntried = ({ id }: ObjectRecord): boolean => !tried.has(id);
  let problem: Error | undefined;
  for (;;) {
    const copy = job.copies.find(isUntried) ?? (await laterCopy(context, job, isUntried));
    if (copy === undefined) {
      const catalog = await context.catalog();
      if (!(await catalog.verdicts.hasAssets(job))) return undefined;
      throw problem ?? movedOn(job);
    }
    tried.add(copy.id);
    try {
      return await scanCopy(run, copy);
    } catch (error) {
      if (!isDamage(error)) throw asAssetError(error);
      problem = asAssetError(error);
    }
  }
}

async function scanCopy({ context, scanner, lend }: ScanRun, copy: ObjectRecord): Promise<ScanVerdict> {
  const signal = gracePeriod(context.signal);
  const { size } = copy;
  if (size > LARGEST_IN_MEMORY) {
    const open = async function* () {
      yield* chunksOf(await openContent(context, copy));
    };
    return scanner.scan({ size, open }, { signal });
  }
  const loan = lend();
  let isWithScanner = false;
  try {
    const bytes = await readSmall(context, copy, loan?.memory.subarray(SCAN_MARGIN));
    const open = async function* () {
      yield bytes;
    };
    isWithScanner = true;
    const hasMargin = bytes.buffer === loan?.memory.buffer;
    const verdict = await scanner.scan({ size, bytes, open }, { signal, hasMargin });
    isWithScanner = false;
    return verdict;
  } finally {
    // After a failure it may be on its way to the scanner still.
    if (isWithScanner) loan?.forget();
    else loan?.giveBack();
  }
}

/** A copy that was moved while it was read is found again under its new row. */
async function laterCopy(
  context: OperationContext,
  job: ScanJob,
  isUntried: (copy: ObjectRecord) => boolean,
): Promise<ObjectRecord | undefined> {
  const catalog = await context.catalog();
  return (await catalog.verdicts.copies(job)).find(isUntried);
}

function movedOn({ sha256 }: ScanJob): AssetError {
  return new AssetError('STATE_CHANGED', `The content ${sha256.slice(0, 12)} was moved while it was to be scanned`, {
    hint: 'Run the scan again.',
  });
}
