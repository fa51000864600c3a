import type { AssetWithObject } from '../../catalog/catalog.ts';
import { AssetError, type FailureRecord, toFailure } from '../../core/errors.ts';
import { type Selected, type Selection, selectAssets } from '../assets/select-assets.ts';
import { mapAhead, mapInOrder } from '../concurrently.ts';
import type { OperationContext } from '../context.ts';
import { DownloadLedger } from './download-ledger.ts';
import { chooseNames, type DownloadTarget, prepareTarget, sendContent, writeToFile } from './download-target.ts';
import { checkHandingOut } from './handing-out.ts';
import { readAsset } from './read-asset.ts';

export interface DownloadRequest {
  selection: Selection;
  target: DownloadTarget;
  /** Replace what exists. */
  force: boolean;
  concurrency: number;
  /** Nothing else is read by this process at the same time: one connection may be enough. */
  isAlone?: boolean;
}

/** Files that may be complete while the one before them is not. */
const AHEAD = 500;

export type DownloadOutcome =
  | { kind: 'downloaded'; id: string; path: string; bytes: number }
  | { kind: 'failed'; id: string; failure: FailureRecord };

/**
 * Hands out assets, each verified against its hash while it streams. Yields each result when its
 * file is complete. A target is never left half-written.
 */
export async function* download(context: OperationContext, request: DownloadRequest): AsyncGenerator<DownloadOutcome> {
  const ledger = new DownloadLedger(context);
  const isEmpty = prepareTarget(request.target);
  try {
    for await (const outcome of outcomesOf(context, { ...request, isEmpty }, ledger)) {
      // What is complete is told; what comes behind the first that was not begun was not begun either.
      if (context.signal.aborted && outcome.kind === 'failed' && outcome.failure.code === 'INTERRUPTED') return;
      yield outcome;
      if (ledger.isLarge()) await ledger.write();
    }
  } finally {
    await ledger.write();
  }
}

/** Of a directory: whether nothing was in it. */
type Prepared = DownloadRequest & { isEmpty: boolean };

/** What is to be downloaded, and under which name. */
interface Named {
  selected: Selected;
  name: string;
}

/** The next assets that match are asked for while others come; ids may come slowly: what came of earlier ones is told first. */
function outcomesOf(
  context: OperationContext,
  request: Prepared,
  ledger: DownloadLedger,
): AsyncIterable<DownloadOutcome> {
  const { selection, concurrency: atOnce } = request;
  const pages = namedPages(context, selection);
  const one = (each: Named) => downloadOne(context, request, ledger, each);
  if (selection.kind === 'filter') return mapAhead(pages, { atOnce, ahead: Math.max(AHEAD, atOnce) }, one);
  return pageByPage(pages, atOnce, one);
}

async function* pageByPage(
  pages: AsyncIterable<readonly Named[]>,
  atOnce: number,
  one: (each: Named) => Promise<DownloadOutcome>,
): AsyncGenerator<DownloadOutcome> {
  for await (const page of pages) yield* mapInOrder(page, atOnce, one);
}

async function* namedPages(context: OperationContext, selection: Selection): AsyncGenerator<Named[]> {
  const nameFor = chooseNames();
  for await (const page of selectAssets(context, selection)) {
    yield page.map((selected) => ({ selected, name: 'found' in selected ? nameFor(selected.found.asset) : '' }));
  }
}

async function downloadOne(
  context: OperationContext,
  request: Prepared,
  ledger: DownloadLedger,
  { selected, name }: Named,
): Promise<DownloadOutcome> {
  const id = 'found' in selected ? selected.found.asset.id : selected.id;
  try {
    if ('error' in selected) throw selected.error;
    if (context.signal.aborted) throw new AssetError('INTERRUPTED', 'Stopped before it was downloaded');
    await checkHandingOut(context, selected.found);
    const path = await deliver(context, request, selected.found, name);
    const bytes = selected.found.asset.fileSize;
    ledger.downloaded(selected.found.asset, bytes);
    return { kind: 'downloaded', id, path, bytes };
  } catch (error) {
    const failure = toFailure(error);
    ledger.refused(id, 'found' in selected ? selected.found.asset : undefined, failure);
    return { kind: 'failed', id, failure };
  }
}

async function deliver(
  context: OperationContext,
  request: Prepared,
  found: AssetWithObject,
  name: string,
): Promise<string> {
  const { target, force, isEmpty, isAlone = false } = request;
  if (target.kind === 'stream') {
    const { lends = false } = target;
    await readAsset(context, found, (body) => sendContent(body, target.stream), { lends, isAlone });
    return '-';
  }
  const file = { name, size: found.asset.fileSize, force, isFree: isEmpty };
  return writeToFile(target, file, (write, reading) => readAsset(context, found, write, { ...reading, isAlone }));
}

export type { DownloadTarget };
