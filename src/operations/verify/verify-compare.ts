import type { InventoryEntry, InventoryRange } from '../../catalog/catalog.ts';
import { isOwnKey } from '../../core/storage-key.ts';
import type { ListedStretch, StoredObject } from '../../storage/backend.ts';
import { compareBytes } from '../../storage/byte-order.ts';
import { withoutNestedStores } from '../../storage/marker.ts';
import { judgeReported } from '../moving/check-stored-copy.ts';
import type { Suspect, Verification } from './verify-run.ts';

const ROWS_AT_ONCE = 500;

/** A step of a comparison: how far it came, past how many, and what has to be looked at again there. */
export interface Compared {
  path: string;
  count: number;
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
  const { store, context, request } = verification;
  const options = { signal: context.signal, ...(startAfter === undefined ? {} : { startAfter }) };
  const stretches = request.deep ? undefined : store.listStretches?.(prefix, options);
  if (stretches !== undefined) {
    yield* compareStretches(verification, stretches, { prefix, after: startAfter });
    return;
  }
  const listing = withoutNestedStores(store.list(prefix, options));
  yield* compareEach(verification, listing, rowsOf(verification, { prefix, after: startAfter }));
}

/** Whole stretches that are as the catalog has them cost a comparison of two texts; of the others each row is compared. */
async function* compareStretches(
  verification: Verification,
  stretches: AsyncIterable<ListedStretch>,
  { prefix, after }: Range,
): AsyncGenerator<Compared> {
  const catalog = await verification.context.catalog();
  let behind = after;
  for await (const { text, count, last, objects } of stretches) {
    // No key is the prefix itself, which ends with a slash.
    const recorded = await catalog.inventory.text(verification.store.name, behind ?? prefix, last);
    if (recorded === text) yield { path: last, count, suspect: undefined };
    else
      yield* compareEach(verification, inOrder(objects()), rowsOf(verification, { prefix, after: behind, upTo: last }));
    behind = last;
  }
  yield* compareEach(verification, inOrder([]), rowsOf(verification, { prefix, after: behind }));
}

async function* inOrder<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function* compareEach(
  verification: Verification,
  listing: AsyncGenerator<StoredObject>,
  rows: AsyncGenerator<InventoryEntry>,
): AsyncGenerator<Compared> {
  try {
    let listed = await listing.next();
    let row = await rows.next();
    while (listed.done !== true || row.done !== true) {
      const order = whichIsFirst(listed, row);
      if (order < 0 && listed.done !== true) {
        yield { path: listed.value.key, count: 1, suspect: suspectBytes(verification, listed.value) };
        listed = await listing.next();
      } else if (row.done !== true) {
        const found = order === 0 && listed.done !== true ? listed.value : undefined;
        yield { path: row.value.storagePath, count: 1, suspect: suspectRow(verification, row.value, found) };
        row = await rows.next();
        if (order === 0) listed = await listing.next();
      }
    }
  } finally {
    await listing.return(undefined);
    await rows.return(undefined);
  }
}

/** Negative: the listed object; positive: the row; 0: both are the same path. */
function whichIsFirst(listed: IteratorResult<StoredObject>, row: IteratorResult<InventoryEntry>): number {
  if (listed.done === true) return 1;
  if (row.done === true) return -1;
  return compareBytes(listed.value.key, row.value.storagePath);
}

/** Where rows lie: below a prefix, and then between two paths. */
type Range = Pick<InventoryRange, 'prefix' | 'after' | 'upTo'>;

async function* rowsOf({ context, store }: Verification, range: Range): AsyncGenerator<InventoryEntry> {
  const catalog = await context.catalog();
  const wanted = { backend: store.name, ...range, withChecksums: store.features.listsChecksums };
  for (let { after } = range; ; ) {
    const page = await catalog.inventory.page({ ...wanted, after }, ROWS_AT_ONCE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < ROWS_AT_ONCE) return;
    after = last.storagePath;
  }
}

function suspectBytes({ touchesOrphans }: Verification, found: StoredObject): Suspect | undefined {
  return touchesOrphans && isOwnKey(found.key) ? { kind: 'bytes', path: found.key } : undefined;
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
