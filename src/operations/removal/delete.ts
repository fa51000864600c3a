import type { AssetFilter, AssetWithObject, DeleteResult } from '../../catalog/catalog.ts';
import { decideOnAsset } from '../../core/access-policy.ts';
import type { Asset } from '../../core/asset.ts';
import { AssetError, type ErrorCode, type FailureRecord, toFailure } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import { notFound } from '../assets/resolve-assets.ts';
import { type Selected, type Selection, selectAssets } from '../assets/select-assets.ts';
import { recordUnknownNames } from '../assets/unknown-names.ts';
import { changeRefused } from '../changes/change-refusals.ts';
import { trashAssets } from '../changes/trash.ts';
import { workAhead } from '../concurrently.ts';
import type { OperationContext } from '../context.ts';
import { notPermitted } from '../download/handing-out.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { publicContents, removeFormerCopiesOrWarn } from './former-copies.ts';
import { checkMaxDelete, type MaxDelete } from './max-delete.ts';
import { bytesRemain, REMOVALS_AT_ONCE, removeObjects } from './remove-objects.ts';

export type DeleteOutcome =
  | {
      kind: 'deleted';
      id: string;
      /** Bytes that went with it; 0 if another asset still needs them. */
      bytes: number;
    }
  /** To the trash; its bytes stay. */
  | { kind: 'trashed'; id: string; bytes: 0 }
  | { kind: 'would-delete' | 'would-trash'; id: string; bytes: number }
  | { kind: 'failed'; id: string; failure: FailureRecord };

export interface DeleteRequest {
  selection: Selection;
  dryRun: boolean;
  /** true: to the trash; false: for good; absent: as configured, where what is in the trash already goes for good. */
  trash?: boolean;
  /** Stops before the first removal if more would go. */
  maxDelete?: MaxDelete;
}

/**
 * Removes assets, and their bytes with the last asset on them, in batches. What must not be deleted
 * is refused one by one and never stops the others. An interrupted run leaves DELETING rows, which
 * the next maintenance finishes.
 */
export async function* deleteAssets(context: OperationContext, request: DeleteRequest): AsyncGenerator<DeleteOutcome> {
  const selection = request.maxDelete === undefined ? request.selection : await fixedSelection(request.selection);
  if (request.maxDelete !== undefined) {
    const { count } = await measureSelection(context, selection);
    await checkMaxDelete(context, request.maxDelete, count, scopeOf(context, selection));
  }
  const outcomes = request.dryRun ? planAll(context, request, selection) : deleteAll(context, request, selection);
  for await (const outcome of outcomes) if (!isBeside(request.selection, outcome)) yield outcome;
}

/** What another run has deleted since the filter matched it simply no longer matches. */
function isBeside(selection: Selection, outcome: DeleteOutcome): boolean {
  return selection.kind === 'filter' && outcome.kind === 'failed' && outcome.failure.code === 'ASSET_NOT_FOUND';
}

/** Names that come from a stream can be read once only, and are counted before they are used. */
export async function fixedSelection(selection: Selection): Promise<Selection> {
  if (selection.kind === 'filter') return selection;
  const ids: string[] = [];
  for await (const id of selection.ids) ids.push(id);
  return { kind: 'ids', ids };
}

function scopeOf({ identity }: OperationContext, selection: Selection): OrganizationScope {
  return selection.kind === 'filter' ? selection.scope : { organization: identity.organization };
}

function goesToTrash({ lifecycle }: OperationContext, { trash }: DeleteRequest, { asset }: AssetWithObject): boolean {
  return trash ?? (lifecycle.trashEnabled && asset.trashedAt === null);
}

/** What a confirmation names: how many assets a selection holds and how large their content is. */
export async function measureSelection(
  context: OperationContext,
  selection: Selection,
): Promise<{ count: number; bytes: number }> {
  if (selection.kind === 'filter') {
    const catalog = await context.catalog();
    return catalog.assets.count(selection.scope, selection.filter);
  }
  const total = { count: 0, bytes: 0 };
  for await (const page of selectAssets(context, selection)) {
    for (const selected of page) {
      if ('error' in selected) continue;
      total.count += 1;
      total.bytes += selected.found.asset.fileSize;
    }
  }
  return total;
}

async function* planAll(
  context: OperationContext,
  request: DeleteRequest,
  selection: Selection,
): AsyncGenerator<DeleteOutcome> {
  for await (const page of selectAssets(context, selection)) {
    if (context.signal.aborted) return;
    yield* planPage(context, request, page);
  }
}

function planPage(context: OperationContext, request: DeleteRequest, page: readonly Selected[]): DeleteOutcome[] {
  return page.map((selected) => {
    if ('error' in selected) return failure(selected.id, selected.error);
    const { asset } = selected.found;
    const refusal = refusalOf(context, selected.found);
    if (refusal !== undefined) return failure(asset.id, refusal);
    if (!goesToTrash(context, request, selected.found)) {
      return { kind: 'would-delete', id: asset.id, bytes: asset.fileSize };
    }
    if (asset.trashedAt !== null) return failure(asset.id, changeRefused(asset.id, 'delete', 'in-trash', asset));
    return { kind: 'would-trash', id: asset.id, bytes: 0 };
  });
}

/** The bytes of some pages go while the rows of the next are taken. */
async function* deleteAll(
  context: OperationContext,
  request: DeleteRequest,
  selection: Selection,
): AsyncGenerator<DeleteOutcome> {
  const taken = takePages(context, request, selection);
  for await (const outcomes of workAhead(taken, REMOVALS_AT_ONCE, (page) => finishPage(context, page))) yield* outcomes;
}

/** A page whose rows are gone; the bytes of some are still to go. */
interface TakenPage {
  /** What is done or refused already. */
  settled: DeleteOutcome[];
  results: readonly DeleteResult[];
  found: readonly AssetWithObject[];
}

async function* takePages(
  context: OperationContext,
  request: DeleteRequest,
  selection: Selection,
): AsyncGenerator<TakenPage> {
  for await (const page of selectAssets(context, selection)) {
    if (context.signal.aborted) return;
    const filter = selection.kind === 'filter' ? selection.filter : undefined;
    yield await takePage(context, request, page, filter);
  }
}

async function takePage(
  context: OperationContext,
  request: DeleteRequest,
  page: readonly Selected[],
  filter: AssetFilter | undefined,
): Promise<TakenPage> {
  const missing = page.flatMap((selected) => ('error' in selected ? selected : []));
  await recordUnknownNames(context, 'deleted', missing);
  const found = page.flatMap((selected) => ('found' in selected ? selected.found : []));
  const forTrash = found.filter((each) => goesToTrash(context, request, each));
  const trashed = await trashAssets(
    context,
    forTrash.map(({ asset }) => asset.id),
    filter,
  );
  const forGood = found.filter((each) => !forTrash.includes(each));
  const { usable, unusable } = await checkStores(context, forGood);
  const settled = [
    ...missing.map(({ id, error }) => failure(id, error)),
    ...trashed.map((outcome) => (outcome.kind === 'failed' ? outcome : trashedOutcome(outcome.id))),
    ...unusable,
  ];
  if (usable.length === 0) return { settled, results: [], found: [] };
  const catalog = await context.catalog();
  const ids = usable.map(({ asset }) => asset.id);
  const { identity, leaseSeconds, audit } = context;
  const trashedBefore = new Set(usable.flatMap(({ asset }) => (asset.trashedAt === null ? [] : asset.id)));
  const expected = { trashed: trashedBefore, ...(filter === undefined ? {} : { filter }) };
  const results = await catalog.deletes.deleteAssets(identity, ids, leaseSeconds, audit, expected);
  return { settled, results, found: usable };
}

function trashedOutcome(id: string): DeleteOutcome {
  return { kind: 'trashed', id, bytes: 0 };
}

async function finishPage(context: OperationContext, { settled, results, found }: TakenPage): Promise<DeleteOutcome[]> {
  const removable = results.flatMap((result) => {
    return result.kind === 'deleted' && result.removable !== undefined ? result.removable : [];
  });
  const stuck = await removeObjects(context, removable);
  const deleted = results.flatMap((result) => (result.kind === 'deleted' ? result.asset : []));
  await removeFormerCopiesOrWarn(context, publicContents(deleted));
  return [...settled, ...results.flatMap((result) => outcomeOf(result, found, stuck))];
}

/** Rule 0: no row goes before its store is known to be the store it was. */
async function checkStores(context: OperationContext, found: readonly AssetWithObject[]) {
  const broken = new Map<string, unknown>();
  for (const backend of new Set(found.map(({ asset }) => asset.backend))) {
    try {
      await openOwnStore(context, backend);
    } catch (error) {
      broken.set(backend, error);
    }
  }
  const usable = found.filter(({ asset }) => refusable(context, asset) || !broken.has(asset.backend));
  const unusable = found
    .filter((each) => !usable.includes(each))
    .map(({ asset }) => failure(asset.id, broken.get(asset.backend)));
  return { usable, unusable };
}

/** What the policy refuses anyway is refused for that reason, whatever its store says. */
function refusable(context: OperationContext, asset: AssetWithObject['asset']): boolean {
  return decideOnAsset(context.identity, 'delete', asset) !== 'allow';
}

function refusalOf(context: OperationContext, { asset }: AssetWithObject): AssetError | undefined {
  const decision = decideOnAsset(context.identity, 'delete', asset);
  if (decision === 'hide') return notFound(asset.id);
  return decision === 'deny' ? notPermitted(asset, 'delete') : undefined;
}

function outcomeOf(
  result: DeleteResult,
  found: readonly AssetWithObject[],
  stuck: ReadonlyMap<string, Error>,
): DeleteOutcome | [] {
  // What another has changed so that the filter leaves it out simply no longer matches.
  if (result.kind === 'unmatched') return [];
  if (result.kind === 'refused') {
    const each = found.find(({ asset }) => asset.id === result.id);
    return failure(result.id, each === undefined ? notFound(result.id) : refusedBecause(result.code, each.asset));
  }
  const reason = result.removable === undefined ? undefined : stuck.get(result.removable.objectId);
  if (reason === undefined) return { kind: 'deleted', id: result.id, bytes: result.bytesFreed };
  return failure(result.id, bytesRemain(result.id, reason));
}

function refusedBecause(code: ErrorCode, asset: Asset): AssetError {
  if (code === 'NOT_PERMITTED') return notPermitted(asset, 'delete');
  return code === 'STATE_CHANGED' ? overtaken(asset) : notFound(asset.id);
}

/** What was chosen in one state does not go for good in the other, whoever brought it there. */
function overtaken({ id, trashedAt }: Asset): AssetError {
  const change = trashedAt === null ? 'put into the trash' : 'brought back from the trash';
  return new AssetError('STATE_CHANGED', `Asset ${id} was ${change} meanwhile, and is left alone`, {
    hint: 'See how it is now, then delete it again: asset-cli show <id>',
  });
}

function failure(id: string, error: unknown): DeleteOutcome {
  return { kind: 'failed', id, failure: toFailure(error) };
}
