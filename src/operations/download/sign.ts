import type { AssetWithObject, ObjectRecord } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { AssetError, type FailureRecord, toFailure } from '../../core/errors.ts';
import { safeFilename } from '../../core/safe-filename.ts';
import type { StorageKey } from '../../core/storage-key.ts';
import type { SignedUrl, SignOptions, StorageBackend } from '../../storage/backend.ts';
import { isStorageError } from '../../storage/storage-error.ts';
import { resolveAsset } from '../assets/resolve-assets.ts';
import type { OperationContext } from '../context.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { checkHandingOut } from './handing-out.ts';
import { handoutName } from './handout-name.ts';
import { mayBeShown, withAddress } from './public-access.ts';

export interface SignRequest {
  ids: readonly string[];
  /** Seconds; default: an hour. */
  expiresIn?: number;
  /** The name a browser saves it under; default: the original file name. */
  downloadAs?: string;
  inline: boolean;
  /** A signed URL even of a public asset that has a CDN URL, which knows neither an end nor a name. */
  noCdn: boolean;
  /** Warn once if nobody answers to the URLs of a store that does not answer itself. */
  warnsOfSilence?: boolean;
}

export type SignOutcome =
  | {
      kind: 'signed';
      id: string;
      url: string;
      /** null: a CDN URL, which does not end. */
      expiresAt: string | null;
      /** What every answer is coded in, whatever its reader accepts; null: the reader gets the content. */
      contentEncoding: string | null;
    }
  | { kind: 'failed'; id: string; failure: FailureRecord };

/** SigV4, GCS V4 and Azure user delegation keys all end after 7 days. */
const DEFAULT_LIFE_SECONDS = 3600;
export const LONGEST_SIGNATURE_SECONDS = 7 * 86_400;

/**
 * Yields a URL for each asset that may be handed out, valid no longer than the asset. The audit event
 * is committed before the URL is known to anyone. What verify found damaged has none until it is whole again.
 * @throws AssetError USAGE for a life that no provider grants, or a name that no header can hold
 */
export async function* sign(context: OperationContext, request: SignRequest): AsyncGenerator<SignOutcome> {
  checkLife(request);
  checkName(request);
  const signers = new Set<StorageBackend>();
  for (const id of request.ids) {
    if (context.signal.aborted) return;
    yield await signOne(context, request, signers, id);
  }
  if (request.warnsOfSilence === true) await warnOfSilence(context, signers);
}

async function warnOfSilence(context: OperationContext, signers: ReadonlySet<StorageBackend>): Promise<void> {
  for (const store of signers) {
    if ((await store.answers?.()) !== false) continue;
    context.warn(`nothing answers to the URLs of backend "${store.name}": run asset-cli serve, at serve.publicUrl`);
  }
}

function checkLife({ expiresIn = DEFAULT_LIFE_SECONDS }: SignRequest): void {
  if (expiresIn >= 1 && expiresIn <= LONGEST_SIGNATURE_SECONDS) return;
  throw new AssetError('USAGE', 'A signed URL lives between 1 second and 7 days', {
    hint: 'Give a shorter --expires-in; the providers grant no more than 7d.',
  });
}

function checkName({ downloadAs }: SignRequest): void {
  if (downloadAs === undefined) return;
  const isEmpty = downloadAs.trim() === '';
  if (!isEmpty && downloadAs.isWellFormed()) return;
  const wrong = isEmpty ? 'empty' : 'not valid Unicode';
  throw new AssetError('USAGE', `The name to download as is ${wrong}`, { hint: 'Give another name.' });
}

async function signOne(
  context: OperationContext,
  request: SignRequest,
  signers: Set<StorageBackend>,
  id: string,
): Promise<SignOutcome> {
  let found: AssetWithObject | undefined;
  try {
    found = await resolveAsset(context, id);
    await checkHandingOut(context, found);
    refuseDamaged(found);
    const signed = await makeUrl(context, request, signers, found);
    await record(context, id, found.asset, undefined, signed.expiresAt);
    return { kind: 'signed', id: found.asset.id, ...signed };
  } catch (thrown) {
    const failure = toFailure(asAssetError(thrown));
    await record(context, id, found?.asset, failure, null);
    return { kind: 'failed', id: found?.asset.id ?? id, failure };
  }
}

/** A download sees for itself whether the bytes are whole again; whoever has a URL takes what comes. */
function refuseDamaged({ asset: { id }, object }: AssetWithObject): void {
  if (object.damagedAt === null) return;
  throw new AssetError('BYTES_DAMAGED', `The stored bytes of asset ${id} are missing or damaged`, {
    hint: 'Restore them from a backup of the store, then run: asset-cli verify --repair',
    details: { id },
  });
}

async function makeUrl(
  context: OperationContext,
  request: SignRequest,
  signers: Set<StorageBackend>,
  { asset, object }: AssetWithObject,
) {
  const store = await openOwnStore(context, object.backend);
  const contentEncoding = answeredEncoding(store, object);
  const { cdnUrl } = withAddress(context, asset);
  if (cdnUrl !== null && !needsSignature(request)) return { url: cdnUrl, expiresAt: null, contentEncoding };
  if (!store.features.signs) throw cannotSign(store.name);
  const signed = await signWith(store, object.storagePath, signOptions(request, asset));
  signers.add(store);
  return { url: signed.url, expiresAt: signed.expiresAt.toISOString(), contentEncoding };
}

/** What was asked for is kept by a signature alone. */
function needsSignature({ noCdn, expiresIn, downloadAs, inline }: SignRequest): boolean {
  return noCdn || inline || expiresIn !== undefined || downloadAs !== undefined;
}

/** S3 and Azure answer in the stored encoding, whoever asks; others decode for readers that do not accept it. */
function answeredEncoding({ features }: StorageBackend, { contentEncoding }: ObjectRecord): string | null {
  return features.decodesForReaders === true ? null : contentEncoding;
}

/** Some credentials cannot sign, though their provider can; the store says why. */
async function signWith(store: StorageBackend, key: StorageKey, options: SignOptions): Promise<SignedUrl> {
  try {
    return await store.sign(key, options);
  } catch (error) {
    if (isStorageError(error, 'UNSUPPORTED')) throw cannotSign(store.name, error.message);
    throw error;
  }
}

function signOptions(request: SignRequest, asset: Asset): SignOptions {
  return {
    expiresIn: Math.min(request.expiresIn ?? DEFAULT_LIFE_SECONDS, secondsLeft(asset)),
    downloadAs: request.downloadAs === undefined ? handoutName(asset) : safeFilename(request.downloadAs),
    inline: request.inline && mayBeShown(asset.mimeType),
    contentType: asset.mimeType,
  };
}

function secondsLeft(asset: Asset): number {
  if (asset.expiresAt === null) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((Date.parse(asset.expiresAt) - Date.now()) / 1000));
}

function cannotSign(name: string, reason?: string): AssetError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new AssetError('CANNOT_SIGN', `Backend "${name}" cannot sign URLs${why}`, {
    hint: 'Hand the file out with: asset-cli download <id>',
    details: { backend: name },
  });
}

async function record(
  context: OperationContext,
  requested: string,
  asset: Asset | undefined,
  failure: FailureRecord | undefined,
  expiresAt: string | null,
): Promise<void> {
  const { identity, audit } = context;
  const catalog = await context.catalog();
  const event = {
    actor: identity.user,
    organizationId: asset?.organizationId ?? identity.organization,
    action: 'signed',
    assetId: asset?.id ?? null,
    outcome: failure === undefined ? ('success' as const) : ('refused' as const),
    details: failure === undefined ? { expiresAt } : { requested, code: failure.code, message: failure.message },
  };
  await catalog.audit.record([event], audit);
}
