import type { AssetFilter, ScanCondition } from '../../catalog/catalog.ts';
import { decideOnAsset } from '../../core/access-policy.ts';
import type { Asset } from '../../core/asset.ts';
import { toFailure } from '../../core/errors.ts';
import { notFound } from '../assets/resolve-assets.ts';
import { type Selected, selectAssets } from '../assets/select-assets.ts';
import { notPermitted } from '../download/handing-out.ts';
import { mustStop, type ScanOutcome, type ScanRequest, type ScanRun } from './scan-run.ts';

/** One content among those that a selection names. */
export interface NamedContent {
  organizationId: string;
  sha256: string;
  /** One of its assets. */
  assetId: string;
}

/** Contents that a selection names, and what of them is to be scanned. */
export interface ScanPage {
  contents: NamedContent[];
  condition: ScanCondition;
  failed: Extract<ScanOutcome, { kind: 'failed' }>[];
}

/** One way through the assets that are selected; the scan of everything of an organisation that it is part of. */
export interface ScanPart {
  everythingOf?: { organization: string; startedAt: string };
  pages(): AsyncIterable<ScanPage>;
}

/** The first pages are smaller: until the first contents are read and claimed the scanner has nothing to do. */
const FIRST_PAGE_SIZE = 30;
const PAGE_SIZE = 500;

/** What a scan goes through, part by part; each can be gone through again. */
export async function* scanParts(run: ScanRun, signatureVersion: string | null): AsyncGenerator<ScanPart> {
  const { context, request } = run;
  const { selection } = request;
  const catalog = await context.catalog();
  const now = (await catalog.maintenance.time()).toISOString();
  if (selection.kind === 'ids') {
    const ids = await listed(selection.ids);
    yield { pages: () => pagesOfIds(run, ids, { kind: 'all', judgedBefore: now }) };
    return;
  }
  for (const organization of await catalog.purge.organizations(selection.scope)) {
    const { which: kind, everything } = selection;
    const runsOn = everything && kind === 'all';
    const judgedBefore = runsOn ? await catalog.verdicts.startRun(organization) : now;
    const condition = { kind, judgedBefore, ...(signatureVersion === null ? {} : { signatureVersion }) };
    const pages = () => pagesOfFilter(run, selection, organization, condition);
    yield runsOn ? { everythingOf: { organization, startedAt: judgedBefore }, pages } : { pages };
  }
}

async function listed(ids: Iterable<string> | AsyncIterable<string>): Promise<string[]> {
  const list: string[] = [];
  for await (const id of ids) list.push(id);
  return list;
}

async function* pagesOfIds(run: ScanRun, ids: string[], condition: ScanCondition): AsyncGenerator<ScanPage> {
  for await (const page of selectAssets(run.context, { kind: 'ids', ids })) {
    const judged = page.map((selected) => judgeSelected(run, selected));
    const contents = distinct(judged.flatMap((each) => ('asset' in each ? each.asset : [])));
    yield { contents, condition, failed: judged.flatMap((each) => ('asset' in each ? [] : each)) };
  }
}

function judgeSelected(
  { context }: ScanRun,
  selected: Selected,
): { asset: Asset } | Extract<ScanOutcome, { kind: 'failed' }> {
  const fail = (error: unknown) => ({ kind: 'failed' as const, id: selected.id, failure: toFailure(error) });
  if ('error' in selected) return fail(selected.error);
  const { asset } = selected.found;
  // Whoever may release from quarantine may put into it.
  const decision = decideOnAsset(context.identity, 'release', asset);
  if (decision === 'allow') return { asset };
  return fail(decision === 'hide' ? notFound(selected.id) : notPermitted(asset, 'scan'));
}

type FilterSelection = Extract<ScanRequest['selection'], { kind: 'filter' }>;

/** The assets that a scan goes through; of those, `stale` passes over what newer signatures have judged. */
export function scannedAssets({ filter, which }: FilterSelection): AssetFilter {
  return which === 'pending' ? { ...filter, scanStatus: 'PENDING' } : filter;
}

async function* pagesOfFilter(
  run: ScanRun,
  selection: FilterSelection,
  organization: string,
  condition: ScanCondition,
): AsyncGenerator<ScanPage> {
  const catalog = await run.context.catalog();
  const filter = scannedAssets(selection);
  let after: string | null | undefined;
  for (let limit = FIRST_PAGE_SIZE; after !== null && !mustStop(run); limit = Math.min(4 * limit, PAGE_SIZE)) {
    const position = after === undefined ? {} : { after };
    const query = { filter, limit, ...position };
    const page = await catalog.assets.page({ organization }, query);
    yield { contents: distinct(page.assets), condition, failed: [] };
    after = page.nextCursor;
  }
}

function distinct(assets: readonly Asset[]): NamedContent[] {
  const contents = new Map<string, NamedContent>();
  for (const { organizationId, fileHash: sha256, id: assetId } of assets) {
    const content = { organizationId, sha256, assetId };
    contents.set(contentKey(content), contents.get(contentKey(content)) ?? content);
  }
  return [...contents.values()];
}

export function contentKey({ organizationId, sha256 }: { organizationId: string; sha256: string }): string {
  return `${organizationId}/${sha256}`;
}
