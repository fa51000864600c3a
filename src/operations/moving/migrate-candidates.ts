import type { AssetWithObject, ObjectRecord } from '../../catalog/catalog.ts';
import { decideOnAsset } from '../../core/access-policy.ts';
import { AssetError, toFailure } from '../../core/errors.ts';
import { type Selection, selectAssets } from '../assets/select-assets.ts';
import { publicHeaders } from '../download/public-access.ts';
import { type Candidate, type MigrateRun, mustStop } from './migrate-run.ts';
import { type Skipped, skipObjects } from './migrate-skips.ts';

const PAGE_SIZE = 500;

/** Pages of objects that are to move: each once in a page, in an order that hosts do not share. */
export async function* candidatesOf(run: MigrateRun): AsyncGenerator<Candidate[]> {
  const { selection } = run.request;
  if (selection.kind === 'failed') yield* failedBefore(run);
  else yield* selected(run, narrowed(run, selection));
}

/** What a filter means here: only what is in the source. */
export function narrowed({ request }: Pick<MigrateRun, 'request'>, selection: Selection): Selection {
  if (selection.kind === 'ids') return selection;
  return { ...selection, filter: { ...selection.filter, backend: request.from } };
}

async function* selected(run: MigrateRun, selection: Selection): AsyncGenerator<Candidate[]> {
  for await (const page of selectAssets(run.context, selection)) {
    const objects = new Map<string, Candidate>();
    const elsewhere: Skipped[] = [];
    for (const each of page) {
      if ('error' in each) {
        run.emit({ kind: 'failed', ids: [each.id], failure: toFailure(each.error) });
        continue;
      }
      const judged = judge(run, each.found, selection.kind === 'ids');
      if (judged === 'move') objects.set(each.found.object.id, toCandidate(each.found));
      else if (judged !== undefined) elsewhere.push(judged);
    }
    await skipObjects(run, elsewhere);
    yield shuffled([...objects.values()]);
    if (mustStop(run)) return;
  }
}

function judge(run: MigrateRun, { asset, object }: AssetWithObject, isNamed: boolean): 'move' | Skipped | undefined {
  const { from, to, scope } = run.request;
  const inScope = !('organization' in scope) || isNamed || scope.organization === asset.organizationId;
  if (isNamed && decideOnAsset(run.context.identity, 'publish', asset) !== 'allow') {
    run.emit({ kind: 'failed', ids: [asset.id], failure: toFailure(notPermitted(asset.id)) });
    return undefined;
  }
  if (object.backend === from) return inScope ? 'move' : undefined;
  const reason = object.backend === to ? 'already-there' : 'not-in-source';
  return isNamed ? { source: object, reason, assetIds: [asset.id] } : undefined;
}

function notPermitted(id: string): AssetError {
  return new AssetError('NOT_PERMITTED', `You may not migrate asset ${id}`, {
    hint: 'Act as an admin of its organisation or as an operator: --role operator.',
  });
}

function toCandidate({ asset, object }: AssetWithObject): Candidate {
  return object.isPublic ? { source: object, headers: publicHeaders(asset) } : { source: object };
}

async function* failedBefore(run: MigrateRun): AsyncGenerator<Candidate[]> {
  const catalog = await run.context.catalog();
  let after: string | undefined;
  do {
    const page = await catalog.migrations.failedObjects(run.request, after, PAGE_SIZE);
    yield await withHeaders(run, page);
    after = page.at(-1)?.id;
  } while (after !== undefined && !mustStop(run));
}

async function withHeaders(run: MigrateRun, objects: readonly ObjectRecord[]): Promise<Candidate[]> {
  const catalog = await run.context.catalog();
  const isPublic = objects.filter((object) => object.isPublic).map(({ id }) => id);
  const references = isPublic.length === 0 ? [] : await catalog.inventory.assetsOn(isPublic);
  const found = await catalog.assets.byIds(
    run.context.identity,
    references.map(({ assetId }) => assetId),
  );
  const headersOf = new Map(found.map(({ asset, object }) => [object.id, publicHeaders(asset)]));
  return objects.map((source) => {
    const headers = headersOf.get(source.id);
    return headers === undefined ? { source } : { source, headers };
  });
}

/** Former copies in the source whose content the destination does not hold yet. */
export async function* formerCopiesOf(run: MigrateRun): AsyncGenerator<Candidate[]> {
  const catalog = await run.context.catalog();
  let after: string | undefined;
  do {
    const page = await catalog.migrations.formerCopies(run.request, after, PAGE_SIZE);
    yield page.map(({ object, secondsLeft }) => ({ source: object, retainSeconds: secondsLeft }));
    after = page.at(-1)?.object.id;
  } while (after !== undefined && !mustStop(run));
}

/** Hosts that share a migration walk the same pages: at random they seldom reach for the same object. */
function shuffled<T>(items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    const [a, b] = [items[last], items[other]];
    if (a === undefined || b === undefined) continue;
    items[last] = b;
    items[other] = a;
  }
  return items;
}
