import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InventoryRow, ObjectRecord } from '../../catalog/catalog.ts';
import { toFailure } from '../../core/errors.ts';
import { isQuarantineKey, type KeyPlace, keyInPlace } from '../../core/storage-key.ts';
import type { PutOptions, StoredObject } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { cdnUrl, publicHeaders } from '../download/public-access.ts';
import { hashOf } from '../moving/check-stored-copy.ts';
import { moveBytes, type SkipReason } from '../moving/move-bytes.ts';
import { finishLeftovers } from '../removal/purge-leftovers.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { factsOf } from '../upload/upload-bytes.ts';
import { lookAgain } from './verify-look-again.ts';
import type { Finding, Repair, Verification } from './verify-run.ts';

/** How long what nobody needs any more is kept, in case somebody does. */
const RETAIN_SECONDS = 30 * 86_400;

const BUSY_PAUSE_MILLISECONDS = 250;
/** Whoever moves the bytes, or has moved them, knows of them what we knew. */
const OVERTAKEN: readonly SkipReason[] = ['busy', 'gone', 'source-changed', 'target-changed'];

/** Puts right what a finding says, as far as that can be; never throws for one finding. */
export async function repairFinding(
  verification: Verification,
  finding: Finding,
  row: InventoryRow | undefined,
  found: StoredObject | undefined,
): Promise<Repair> {
  try {
    if (finding.kind === 'orphaned' && found !== undefined) return await keepOrphan(verification, found);
    if (finding.kind === 'abandoned' && row !== undefined) return await finishInterrupted(verification, row);
    if (row === undefined) throw new Error('a finding has neither row nor bytes');
    return await replaceBytes(verification, finding, row);
  } catch (error) {
    return { kind: 'failed', failure: toFailure(asAssetError(error)) };
  }
}

async function finishInterrupted({ context, store }: Verification, row: InventoryRow): Promise<Repair> {
  const catalog = await context.catalog();
  const filter = { backends: [store.name], objectIds: [row.id] };
  const claimed = await catalog.leftovers.claim(filter, 1, context.leaseSeconds);
  if (claimed.length === 0) return { kind: 'repaired', how: 'another finished it meanwhile' };
  for await (const outcome of finishLeftovers(context, new Map([[store.name, store]]), claimed)) {
    if (outcome.kind === 'failed') return { kind: 'failed', failure: outcome.failure };
  }
  return { kind: 'repaired', how: row.state === 'PENDING' ? 'the upload is undone' : 'the delete is finished' };
}

/** Known at once where it lies, then moved to lost+found: killed in between, it still goes in the end. */
async function keepOrphan({ context, store }: Verification, found: StoredObject): Promise<Repair> {
  const { body } = await store.get(found.key);
  const sha256 = await hashOf(body);
  const catalog = await context.catalog();
  const [organizationId = ''] = keyInPlace(found.key, 'private').split('/');
  const adopted = await catalog.inventory.adopt({
    organizationId,
    backend: store.name,
    storageProvider: store.provider,
    storagePath: found.key,
    size: found.size,
    sha256,
    isPublic: found.key.startsWith('public/'),
    facts: factsOf(found, null), // kept as the bytes that lie there, whatever they are coded in
    retainSeconds: RETAIN_SECONDS,
  });
  if (adopted === undefined) return { kind: 'repaired', how: 'a row knows it by now' };
  const target = keyInPlace(found.key, 'lost+found');
  if (target === found.key) return { kind: 'repaired', how: `kept in ${target} for 30 days` };
  const outcome = await moveBytes(context, {
    source: adopted,
    to: { backend: store.name, storagePath: target, isPublic: false },
    carry: { kind: 'all' },
    sourceEnd: { kind: 'delete' },
    targetRetainSeconds: RETAIN_SECONDS,
    audit: { action: 'repaired', details: {} },
  });
  const place = outcome.kind === 'moved' ? target : found.key;
  return { kind: 'repaired', how: `kept in ${place} for 30 days` };
}

/** What another is at work on is looked at again until it is done, for as long as a lease; nothing is marked for that. */
async function replaceBytes(verification: Verification, finding: Finding, row: InventoryRow): Promise<Repair> {
  const { signal, leaseSeconds } = verification.context;
  const until = performance.now() + (leaseSeconds + 1) * 1000;
  let repair = await copyOrMark(verification, finding, row);
  while (repair === 'overtaken') {
    if (performance.now() >= until || signal.aborted) return { kind: 'skipped', how: 'another is at work on it' };
    await sleep(BUSY_PAUSE_MILLISECONDS);
    const verdict = await lookAgain(verification, { kind: 'row', path: row.storagePath });
    const isSame = verdict.kind === 'finding' && verdict.finding.objectId === row.id && isDamage(verdict.finding);
    if (!isSame || verdict.row === undefined)
      return { kind: 'repaired', how: 'another repaired or removed it meanwhile' };
    repair = await copyOrMark(verification, verdict.finding, verdict.row);
  }
  return repair;
}

function isDamage({ kind }: Finding): boolean {
  return kind === 'missing' || kind === 'corrupt';
}

/** From another backend, another asset or a former copy of the same content; else its assets are marked. */
async function copyOrMark(
  { context, store }: Verification,
  finding: Finding,
  row: InventoryRow,
): Promise<Repair | 'overtaken'> {
  const catalog = await context.catalog();
  const problems: string[] = [];
  const headers = await headersOf(context, finding);
  for (const copy of await catalog.inventory.goodCopies(row.organizationId, row.sha256, row.id)) {
    try {
      const storagePath = keyInPlace(row.storagePath, placeOf(row), randomUUID());
      const outcome = await moveBytes(context, {
        source: row,
        readFrom: copy,
        to: { backend: store.name, storagePath, isPublic: row.isPublic, ...headers },
        carry: { kind: 'all', cdnUrl: row.isPublic ? cdnUrl(context, store.name, storagePath) : null },
        sourceEnd: { kind: 'retain', seconds: RETAIN_SECONDS, damaged: true },
        audit: {
          action: 'repaired',
          details: { finding: finding.kind, copiedFrom: `${copy.backend}:${copy.storagePath}` },
        },
      });
      if (outcome.kind === 'moved') {
        return { kind: 'repaired', how: `bytes taken from ${copy.backend}:${copy.storagePath}` };
      }
      if (OVERTAKEN.includes(outcome.reason)) return 'overtaken';
      problems.push(outcome.reason);
    } catch (error) {
      problems.push(asAssetError(error).message);
    }
  }
  const details = { finding: finding.kind, detail: finding.detail };
  await catalog.inventory.mark(context.identity, row, true, details, context.audit);
  const why = problems.length === 0 ? 'there is no other copy' : `no copy could be used: ${problems.join('; ')}`;
  return { kind: 'marked', how: `marked as damaged; ${why}` };
}

/** A public object tells browsers what it is; it has one asset. */
async function headersOf(context: OperationContext, { assetIds }: Finding): Promise<{ headers?: PutOptions }> {
  const catalog = await context.catalog();
  const [found] = await catalog.assets.byIds(context.identity, assetIds.slice(0, 1));
  return found?.object.isPublic === true ? { headers: publicHeaders(found.asset) } : {};
}

function placeOf({ isPublic, storagePath }: ObjectRecord): KeyPlace {
  if (isPublic) return 'public';
  return isQuarantineKey(storagePath) ? 'quarantine' : 'private';
}
