import type { Asset } from '../../core/asset.ts';
import { contentDisposition } from '../../core/content-disposition.ts';
import { encodePath } from '../../core/percent-encoding.ts';
import type { PutOptions } from '../../storage/backend.ts';
import type { OperationContext } from '../context.ts';
import { handoutName } from './handout-name.ts';

/** Short, and never immutable: a public asset may have to be withdrawn. */
const CACHED_SECONDS = 3600;

/** What a browser would run in our name is never shown inline. */
const ACTIVE_TYPES = new Set([
  'text/html',
  'application/xhtml+xml',
  'image/svg+xml',
  'text/xml',
  'application/xml',
  'text/javascript',
]);

export function mayBeShown(mimeType: string): boolean {
  return !ACTIVE_TYPES.has(mimeType);
}

type PublicHeaders = Required<Pick<PutOptions, 'contentType' | 'cacheControl' | 'contentDisposition'>>;

/** The headers with which a store or a CDN hands out a public object, which is one asset's alone. */
export function publicHeaders(asset: Pick<Asset, 'mimeType' | 'originalFilename' | 'isProcessed'>): PublicHeaders {
  const { mimeType } = asset;
  return {
    contentType: mimeType,
    cacheControl: cacheControl(CACHED_SECONDS),
    contentDisposition: contentDisposition(handoutName(asset), mayBeShown(mimeType)),
  };
}

/** A store says the same at all times; who is asked each time lets nothing be kept beyond the end of its asset. */
export function cacheControlUntil(end: string | null): string {
  if (end === null) return cacheControl(CACHED_SECONDS);
  const left = Math.floor((Date.parse(end) - Date.now()) / 1000);
  return cacheControl(Math.max(0, Math.min(left, CACHED_SECONDS)));
}

function cacheControl(seconds: number): string {
  return `public, max-age=${seconds}`;
}

/** The address of a public object behind the backend's CDN; null where it has none. */
export function cdnUrl(context: OperationContext, backend: string, storagePath: string): string | null {
  const domain = context.content.cdnDomains.get(backend);
  if (domain === undefined) return null;
  return `https://${domain}/${encodePath(storagePath)}`;
}

/** As the configuration says now, whatever it said when the asset was published; null for what is not handed out. */
export function withAddress(context: OperationContext, asset: Asset): Asset {
  return { ...asset, cdnUrl: isOpenToAll(context, asset) ? cdnUrl(context, asset.backend, asset.storagePath) : null };
}

function isOpenToAll({ scanning }: OperationContext, asset: Asset): boolean {
  const { isPublic, status, virusScanStatus, expiresAt } = asset;
  if (!isPublic || status === 'trashed' || status === 'quarantined') return false;
  if (virusScanStatus === 'INFECTED' || (virusScanStatus === 'PENDING' && scanning.mode === 'required')) return false;
  return expiresAt === null || Date.parse(expiresAt) > Date.now();
}
