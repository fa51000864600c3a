import type { AuditEvent, ObjectRecord } from '../../catalog/catalog.ts';
import { decideOnMaintenance } from '../../core/access-policy.ts';
import { AssetError, type FailureRecord, toFailure } from '../../core/errors.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import { organizationScope } from '../assets/organization-scope.ts';
import { mapInOrder } from '../concurrently.ts';
import type { OperationContext } from '../context.ts';
import { storedBytesMatch } from '../moving/check-stored-copy.ts';
import { type ManifestLine, readManifest } from '../moving/migrate-manifest.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { asAssetError } from '../stores/storage-failure.ts';

export type LineVerdict =
  /** Read from the store just now. `place` is where it lies now. */
  | { kind: 'same'; id: string; bytes: number; place: string }
  | { kind: 'deleted'; id: string; event: Pick<AuditEvent, 'id' | 'time' | 'actor'> }
  | { kind: 'wrong'; id: string; failure: FailureRecord };

export interface ManifestRequest {
  path: string;
  /** Operators only. */
  allOrganizations: boolean;
}

const LINES_AT_ONCE = 200;
const READS_AT_ONCE = 8;
const MOST_READS = 3;

/**
 * Says of each line of a manifest whether the asset's bytes, read from the store, are the ones that were moved.
 * @throws AssetError NOT_PERMITTED, BYTES_DAMAGED for a manifest that is not whole, USAGE, PATH_NOT_FOUND
 */
export async function* verifyManifest(
  context: OperationContext,
  { path, allOrganizations }: ManifestRequest,
): AsyncGenerator<LineVerdict> {
  if (decideOnMaintenance(context.identity, 'verify') === 'deny') {
    throw new AssetError('NOT_PERMITTED', `The role ${context.identity.role} may not verify`, {
      hint: 'Act as an admin of the organisation or as an operator: --role operator.',
    });
  }
  const scope = organizationScope(context.identity, allOrganizations);
  for await (const lines of inGroups(readManifest(path))) {
    if (context.signal.aborted) return;
    yield* mapInOrder(lines, READS_AT_ONCE, (line) => judge(context, scope, line));
  }
}

async function* inGroups(lines: AsyncIterable<ManifestLine>): AsyncGenerator<ManifestLine[]> {
  let group: ManifestLine[] = [];
  for await (const line of lines) {
    group.push(line);
    if (group.length < LINES_AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

async function judge(context: OperationContext, scope: OrganizationScope, line: ManifestLine): Promise<LineVerdict> {
  const { id } = line;
  try {
    if ('organization' in scope && scope.organization !== line.organizationId) throw otherOrganization(line);
    const object = await readCurrent(context, line);
    if (object !== undefined) {
      return { kind: 'same', id, bytes: object.storedSize, place: `${object.backend}:${object.storagePath}` };
    }
    const catalog = await context.catalog();
    const { events } = await catalog.audit.page(scope, { assetId: id, action: 'deleted' }, 20);
    const event = events.find(({ outcome }) => outcome === 'success');
    if (event === undefined) throw missing(line);
    return { kind: 'deleted', id, event: { id: event.id, time: event.time, actor: event.actor } };
  } catch (error) {
    return { kind: 'wrong', id, failure: toFailure(asAssetError(error)) };
  }
}

/** The object whose bytes were just seen to be the line's; undefined if the asset is gone. */
async function readCurrent(context: OperationContext, line: ManifestLine): Promise<ObjectRecord | undefined> {
  const catalog = await context.catalog();
  let before: ObjectRecord | undefined;
  for (let read = 1; read <= MOST_READS; read += 1) {
    const [found] = await catalog.assets.byIds(context.identity, [line.id]);
    if (found === undefined) return undefined;
    const { object } = found;
    // Read twice at one place and found wanting: that is damage. It may have been moved or deleted in between.
    if (before?.id === object.id) break;
    before = object;
    if (await isSame(context, object, line)) return object;
  }
  throw new AssetError('BYTES_DAMAGED', `The bytes of asset ${line.id} are not the ones that were moved`, {
    hint: 'See what is damaged: asset-cli verify --deep. Restore it from a backup, or from the source if that was kept.',
  });
}

async function isSame(context: OperationContext, object: ObjectRecord, line: ManifestLine): Promise<boolean> {
  if (object.sha256 !== line.sha256 || object.size !== line.size) return false;
  const store = await openOwnStore(context, object.backend);
  try {
    return await storedBytesMatch(store, object, context.signal);
  } catch (error) {
    const failure = toFailure(asAssetError(error));
    if (failure.code === 'BYTES_MISSING' || failure.code === 'BYTES_DAMAGED') return false;
    throw error;
  }
}

function missing({ id }: ManifestLine): AssetError {
  return new AssetError('BYTES_MISSING', `Asset ${id} is gone, and the audit trail does not say who deleted it`, {
    hint: 'Restore the database from a backup.',
  });
}

function otherOrganization({ id, organizationId }: ManifestLine): AssetError {
  return new AssetError('NOT_PERMITTED', `Asset ${id} belongs to ${organizationId}`, {
    hint: 'An operator verifies every organisation with --all-orgs.',
  });
}
