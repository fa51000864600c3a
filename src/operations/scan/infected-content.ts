import { randomUUID } from 'node:crypto';
import type { ContentRef, ObjectRecord, WantedContent } from '../../catalog/catalog.ts';
import { AssetError, asError, type FailureRecord, toFailure } from '../../core/errors.ts';
import { keyInPlace } from '../../core/storage-key.ts';
import { withdrawBytes } from '../changes/withdraw.ts';
import type { OperationContext } from '../context.ts';
import type { MoveJob, MoveOutcome } from '../moving/move-bytes.ts';
import { removeFormerCopies } from '../removal/former-copies.ts';
import { bytesRemain, removeObjects } from '../removal/remove-objects.ts';
import { asAssetError } from '../stores/storage-failure.ts';

/** What became of infected content. */
export type Treatment =
  /** Every copy lies in quarantine, or every asset is gone. */
  | { kind: 'done'; deed: 'quarantined' | 'deleted' }
  /** Another is at it, or changed it meanwhile: the next scan or purge-expired looks again. */
  | { kind: 'left' }
  | { kind: 'failed'; failure: FailureRecord };

/** While copies are moved, others may appear by moves that had begun before. */
const MOST_ROUNDS = 3;
/** Ids in a hint. */
const MOST_NAMED = 5;

/** Infected content, and what is wanted of it. */
export type InfectedContent = Pick<WantedContent, 'organizationId' | 'sha256' | 'wanted' | 'signature'>;

/** Does what is wanted of infected content. What fails now stays wanted. */
export async function treatInfected(context: OperationContext, content: InfectedContent): Promise<Treatment> {
  try {
    return content.wanted === 'delete' ? await remove(context, content) : await quarantine(context, content);
  } catch (error) {
    return { kind: 'failed', failure: toFailure(asAssetError(error)) };
  }
}

/** The bytes leave every key that is known outside, so that URLs which are out stop working. */
async function quarantine(context: OperationContext, content: InfectedContent): Promise<Treatment> {
  const catalog = await context.catalog();
  const stuck = new Map<string, Error>();
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const outside = (await catalog.verdicts.copiesOutside(content)).filter(({ id }) => !stuck.has(id));
    if (outside.length === 0) break;
    for (const copy of outside) {
      // One that cannot be moved keeps no other where it is known outside.
      await takeAway(context, content, copy).catch((error: unknown) => stuck.set(copy.id, asError(error)));
    }
  }
  const reason = await removeFormerCopies(context, [content]);
  const failure = stuck.size === 0 ? undefined : await stillStuck(context, content, stuck);
  if (failure !== undefined) throw failure;
  if (reason !== undefined) throw reason;
  const settled = await catalog.verdicts.settleQuarantine(content);
  return settled ? { kind: 'done', deed: 'quarantined' } : { kind: 'left' };
}

/** What was damaged may have got the bytes of another copy meanwhile. */
async function stillStuck(
  context: OperationContext,
  content: ContentRef,
  stuck: ReadonlyMap<string, Error>,
): Promise<Error | undefined> {
  const catalog = await context.catalog();
  const outside = await catalog.verdicts.copiesOutside(content);
  return outside.flatMap(({ id }) => stuck.get(id) ?? [])[0];
}

async function takeAway(context: OperationContext, content: InfectedContent, copy: ObjectRecord): Promise<void> {
  const outcome = await moveAway(context, copy, content.signature);
  if (outcome.kind === 'moved' || outcome.reason !== 'target-damaged') return;
  if (await replacePrivate(context, content, copy)) await moveAway(context, copy, content.signature);
}

/** The private copy that a public one has to join is missing or damaged: its assets get the bytes of the public one. */
async function replacePrivate(
  context: OperationContext,
  content: InfectedContent,
  good: ObjectRecord,
): Promise<boolean> {
  const catalog = await context.catalog();
  const copies = await catalog.verdicts.copies(content);
  const held = copies.find(({ backend, isPublic }) => backend === good.backend && !isPublic);
  if (held === undefined) return false;
  const job = quarantining(held, content.signature);
  return (await withdrawBytes(context, { ...job, readFrom: good })).kind === 'moved';
}

function quarantining(source: ObjectRecord, signature: string): MoveJob {
  const { backend } = source;
  return {
    source,
    to: { backend, storagePath: keyInPlace(source.storagePath, 'quarantine', randomUUID()), isPublic: false },
    carry: { kind: 'all', change: 'quarantine' },
    sourceEnd: { kind: 'delete' },
    audit: { action: 'quarantined', details: { signature } },
  };
}

/** Damaged or not, it does not stay where it is. */
async function moveAway(context: OperationContext, source: ObjectRecord, signature: string): Promise<MoveOutcome> {
  const move = (asTheyAre: boolean) => withdrawBytes(context, { ...quarantining(source, signature), asTheyAre });
  try {
    return await move(false);
  } catch (thrown) {
    const error = asAssetError(thrown);
    if (error instanceof AssetError && error.code === 'BYTES_DAMAGED') return move(true);
    throw error instanceof AssetError && error.code === 'BYTES_MISSING' ? await lost(context, source, error) : error;
  }
}

/** A backup would bring back what nobody wants; and until the assets go, bytes that come back have to be moved. */
async function lost(context: OperationContext, source: ObjectRecord, error: AssetError): Promise<AssetError> {
  const catalog = await context.catalog();
  const ids = (await catalog.inventory.assetsOn([source.id])).map(({ assetId }) => assetId);
  const named = ids.length > MOST_NAMED ? [...ids.slice(0, MOST_NAMED), '…'] : ids;
  return new AssetError('BYTES_MISSING', error.message, {
    hint: `There is nothing to quarantine, nor to restore: delete what was on these bytes (asset-cli delete ${named.join(' ')}).`,
    cause: error,
    ...(error.details === undefined ? {} : { details: error.details }),
  });
}

async function remove(context: OperationContext, content: ContentRef): Promise<Treatment> {
  const { identity, leaseSeconds, audit } = context;
  const catalog = await context.catalog();
  const { assets, removable } = await catalog.verdicts.deleteInfected(identity, content, leaseSeconds, audit);
  const stuck = await removeObjects(context, removable);
  const [reason] = stuck.values();
  const [asset] = assets;
  const remaining = await removeFormerCopies(context, [content]);
  if (reason !== undefined && asset !== undefined) throw bytesRemain(asset.id, reason);
  if (remaining !== undefined) throw remaining;
  return assets.length === 0 ? { kind: 'left' } : { kind: 'done', deed: 'deleted' };
}
