import type { AuditEvent, MigrationFailure, MigrationRun, MigrationSkip } from '../../catalog/catalog.ts';
import { AssetError } from '../../core/errors.ts';
import { parseStorageKey } from '../../core/storage-key.ts';
import { organizationScope } from '../assets/organization-scope.ts';
import type { OperationContext } from '../context.ts';
import { requireMaintenance } from '../maintenance-rights.ts';
import { createManifest, type ManifestLine } from './migrate-manifest.ts';
import type { Place } from './migrate-run.ts';

const PAGE_SIZE = 500;
const RUN_PREFIX = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i;

export type ReportedFailure = MigrationFailure & { failedAt: string };

/**
 * The newest runs: an admin's of the own organisation, an operator's all.
 * @throws AssetError NOT_PERMITTED
 */
export async function migrationRuns(context: OperationContext, limit: number): Promise<MigrationRun[]> {
  requireMaintenance(context, 'migrate');
  const catalog = await context.catalog();
  return catalog.migrations.list(scopeOf(context), limit);
}

/**
 * One run, by its id or an unambiguous beginning.
 * @throws AssetError NOT_PERMITTED, USAGE, AMBIGUOUS_ID, ASSET_NOT_FOUND for a run that is not known
 */
export async function migrationRun(context: OperationContext, idOrPrefix: string): Promise<MigrationRun> {
  requireMaintenance(context, 'migrate');
  if (!RUN_PREFIX.test(idOrPrefix)) {
    throw new AssetError('USAGE', `"${idOrPrefix}" is not the id of a run`, {
      hint: 'See the runs: asset-cli migrate report',
    });
  }
  const catalog = await context.catalog();
  const [run, second] = await catalog.migrations.list(scopeOf(context), 2, idOrPrefix);
  if (run === undefined) {
    throw new AssetError('ASSET_NOT_FOUND', `There is no run ${idOrPrefix} that you may see`, {
      hint: 'See the runs: asset-cli migrate report',
    });
  }
  if (second === undefined) return run;
  throw new AssetError('AMBIGUOUS_ID', `"${idOrPrefix}" begins the id of more than one run`, {
    hint: `Give more of it: ${run.id}, ${second.id}`,
  });
}

function scopeOf({ identity }: OperationContext) {
  return organizationScope(identity, identity.role === 'operator');
}

/** What the run could not move, and why. */
export async function* migrationFailures(
  context: OperationContext,
  run: MigrationRun,
): AsyncGenerator<ReportedFailure[]> {
  const catalog = await context.catalog();
  yield* pages((after) => catalog.migrations.failures(run.id, after, PAGE_SIZE));
}

export type ReportedSkip = MigrationSkip & { skippedAt: string };

/** What the run left where it was, and why. */
export async function* migrationSkips(context: OperationContext, run: MigrationRun): AsyncGenerator<ReportedSkip[]> {
  const catalog = await context.catalog();
  yield* pages((after) => catalog.migrations.skips(run.id, after, PAGE_SIZE));
}

async function* pages<T extends { objectId: string }>(
  read: (after: string | undefined) => Promise<T[]>,
): AsyncGenerator<T[]> {
  let after: string | undefined;
  do {
    const page = await read(after);
    if (page.length > 0) yield page;
    after = page.at(-1)?.objectId;
  } while (after !== undefined);
}

/**
 * Writes the manifest of a run from the audit trail, which knows every move even if the run was killed.
 * @throws AssetError TARGET_EXISTS, PATH_NOT_FOUND
 */
export async function writeManifest(context: OperationContext, run: MigrationRun, path: string): Promise<void> {
  const manifest = await createManifest(path, { id: run.id, request: run });
  const catalog = await context.catalog();
  const filter = { action: 'migrated', since: run.startedAt, ...(run.endedAt === null ? {} : { until: after(run) }) };
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page = await catalog.audit.page(scopeOf(context), filter, PAGE_SIZE, cursor);
    for (const event of page.events) {
      const line = event.details['run'] === run.id ? toLine(event) : undefined;
      if (line !== undefined) manifest.addLine(line);
    }
    cursor = page.nextCursor;
  }
  await manifest.end();
}

/** `until` is exclusive. */
function after({ endedAt }: MigrationRun): string {
  return new Date(Date.parse(endedAt ?? '') + 1).toISOString();
}

function toLine({ assetId, organizationId, details }: AuditEvent): ManifestLine | undefined {
  if (assetId === null) return undefined;
  return {
    id: assetId,
    organizationId,
    size: Number(details['size']),
    sha256: String(details['sha256']),
    from: toPlace(details['from']),
    to: toPlace(details['to']),
  };
}

function toPlace(place: unknown): Place {
  const text = String(place);
  const colon = text.indexOf(':');
  return { backend: text.slice(0, colon), storagePath: parseStorageKey(text.slice(colon + 1)) };
}
