import type { InventoryEntry } from '../../catalog/catalog.ts';
import { isOwnKey } from '../../core/storage-key.ts';
import type { StoredObject } from '../../storage/backend.ts';
import { compareBytes } from '../../storage/byte-order.ts';
import { withoutNestedStores } from '../../storage/marker.ts';
import { judgeReported } from '../moving/check-stored-copy.ts';
import type { Suspect, Verification } from './verify-run.ts';

const ROWS_AT_ONCE = 500;

/** One step of a comparison: how far it came, and what has to be looked at again there. */
export interface Compared {
  path: string;
  suspect: Suspect | undefined;
}

/**
 * Compares the store's listing with the catalog's rows, both in byte order of their paths, as they come: memory does
 * not grow with either. Rows that are fine cost nothing but the comparison.
 */
export async function* compareWithListing(
  verification: Verification,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<Compared> {
  const { store, context } = verification;
  const from = startAfter === undefined ? {} : { startAfter };
  const listing = withoutNestedStores(store.list(prefix, { signal: context.signal, ...from }))[Symbol.asyncIterator]();
  const rows = rowsOf(verification, prefix, startAfter)[Symbol.asyncIterator]();
  try {
    let listed = await listing.next();
    let row = await rows.next();
    while (listed.done !== true || row.done !== true) {
      const order = whichIsFirst(listed, row);
      if (order < 0 && listed.done !== true) {
        yield { path: listed.value.key, suspect: suspectBytes(verification, listed.value) };
        listed = await listing.next();
      } else if (row.done !== true) {
        const found = order === 0 && listed.done !== true ? listed.value : undefined;
        yield { path: row.value.storagePath, suspect: suspectRow(verification, row.value, found) };
        row = await rows.next();
        if (order === 0) listed = await listing.next();
      }
    }
  } finally {
    await listing.return?.(undefined);
    await rows.return?.(undefined);
  }
}

/** Negative: the listed object; positive: the row; 0: both are the same path. */
function whichIsFirst(listed: IteratorResult<StoredObject>, row: IteratorResult<InventoryEntry>): number {
  if (listed.done === true) return 1;
  if (row.done === true) return -1;
  return compareBytes(listed.value.key, row.value.storagePath);
}

async function* rowsOf(
  { context, store }: Verification,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<InventoryEntry> {
  const catalog = await context.catalog();
  const range = { backend: store.name, prefix, withChecksums: store.features.listsChecksums };
  let after = startAfter;
  for (;;) {
    const page = await catalog.inventory.page({ ...range, after }, ROWS_AT_ONCE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < ROWS_AT_ONCE) return;
    after = last.storagePath;
  }
}

function suspectBytes({ touchesOrphans }: Verification, found: StoredObject): Suspect | undefined {
  return touchesOrphans && isOwnKey(found.key) ? { kind: 'bytes', found } : undefined;
}

function suspectRow(
  { request, store }: Verification,
  row: InventoryEntry,
  found: StoredObject | undefined,
): Suspect | undefined {
  const suspect: Suspect = { kind: 'row', path: row.storagePath };
  // What is on its way in or out, and former copies, have nobody who could miss their bytes.
  if (row.standing === 'passing') return undefined;
  if (row.standing !== 'stored' || request.deep) return suspect;
  const isFine = found !== undefined && judgeReported(store, row, found) === 'same';
  return isFine ? undefined : suspect;
}
