import type { Doer, Download, NewAuditEvent } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { type FailureRecord, toFailure } from '../../core/errors.ts';
import type { OperationContext } from '../context.ts';
import type { ContentRange } from './read-asset.ts';

const LARGE = 500;
/** The files are delivered already: the record waits this long for a lock and then says so. */
const LOCK_WAIT_MILLISECONDS = 30_000;

/** Counts and audits downloads after the fact, in batches, so that none waits for a lock. */
export class DownloadLedger {
  readonly #context: OperationContext;
  #downloads: Download[] = [];
  #refusals: NewAuditEvent[] = [];

  constructor(context: OperationContext) {
    this.#context = context;
  }

  /** `by`: whose download it is, where several share a ledger. */
  downloaded(asset: Asset, bytes: number, by: Doer = this.#context, range?: ContentRange): void {
    const { identity, audit } = by;
    this.#downloads.push({
      ...(range === undefined ? {} : { range }),
      isWhole: range === undefined || (range.start === 0 && range.end === asset.fileSize - 1),
      by: { identity, audit },
      assetId: asset.id,
      organizationId: asset.organizationId,
      bytes,
    });
  }

  refused(id: string, asset: Asset | undefined, failure: FailureRecord, by: Doer = this.#context): void {
    const { identity, audit } = by;
    this.#refusals.push({
      actor: identity.user,
      organizationId: asset?.organizationId ?? identity.organization,
      action: 'downloaded',
      assetId: asset?.id ?? null,
      outcome: REFUSALS.has(failure.code) ? 'refused' : 'failed',
      details: { requested: id, code: failure.code, message: failure.message },
      context: audit,
    });
  }

  /** Another action that was not permitted, whatever it was to be done to. */
  notPermitted(action: string, requested: string | undefined, { code, message }: FailureRecord, by: Doer): void {
    this.#refusals.push({
      actor: by.identity.user,
      organizationId: by.identity.organization,
      action,
      assetId: null,
      outcome: 'refused',
      details: { ...(requested === undefined ? {} : { requested }), code, message },
      context: by.audit,
    });
  }

  isLarge(): boolean {
    return this.#downloads.length + this.#refusals.length >= LARGE;
  }

  async write(): Promise<void> {
    const downloads = this.#downloads;
    const refusals = this.#refusals;
    this.#downloads = [];
    this.#refusals = [];
    if (downloads.length + refusals.length === 0) return;
    try {
      const catalog = await this.#context.catalog();
      if (downloads.length > 0) {
        await catalog.audit.recordDownloads(downloads, LOCK_WAIT_MILLISECONDS);
      }
      if (refusals.length > 0) await catalog.audit.record(refusals, this.#context.audit);
    } catch (error) {
      const count = downloads.length + refusals.length;
      this.#context.warn(`${count} downloads are missing from the audit trail: ${toFailure(error).message}`);
    }
  }
}

const REFUSALS = new Set(['ASSET_NOT_FOUND', 'ASSET_EXPIRED', 'NOT_PERMITTED', 'VERDICT_REQUIRED', 'VIRUS_FOUND']);
