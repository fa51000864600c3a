import { createHash, randomUUID } from 'node:crypto';
import type {
  AuditContext,
  Catalog,
  NewAsset,
  Reservation,
  ReservationRequest,
  StoredFacts,
  TransformedOriginal,
  UploadCommit,
  UploadCommitResult,
} from '../../src/catalog/catalog.ts';
import type { Asset } from '../../src/core/asset.ts';
import type { Identity } from '../../src/core/identity.ts';
import { assetKey } from '../../src/core/storage-key.ts';

/** What a test says of an upload; the rest is made up. */
export interface UploadSpec extends Partial<NewAsset> {
  /** The same text is the same content. */
  content?: string;
  organization?: string;
  backend?: string;
  size?: number;
  isPublic?: boolean;
  original?: TransformedOriginal;
}

export const AUDIT: AuditContext = { host: 'test-host', correlationId: '00000000-0000-4000-8000-000000000000' };

export function person(organization: string, changes: Partial<Identity> = {}): Identity {
  return { user: 'alice', organization, role: 'member', ...changes };
}

/** An organisation of a test's own: tests share a database. */
export function freshOrganization(): string {
  return `org-${randomUUID()}`;
}

export function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

export function requestFor(identity: Identity, spec: UploadSpec): ReservationRequest {
  const organizationId = spec.organization ?? identity.organization;
  const isPublic = spec.isPublic ?? false;
  const content = spec.content ?? randomUUID();
  return {
    organizationId,
    backend: spec.backend ?? 'local',
    storageProvider: 'LOCAL',
    storagePath: assetKey({
      organization: organizationId,
      assetType: spec.assetType ?? 'SEO_REPORT',
      createdAt: new Date('2030-01-02T03:04:05Z'),
      uuid: randomUUID(),
      extension: '.txt',
      isPublic,
    }),
    size: spec.size ?? content.length,
    sha256: hashOf(content),
    isPublic,
  };
}

export function factsOf(request: ReservationRequest, changes: Partial<StoredFacts> = {}): StoredFacts {
  return {
    storedSize: request.size,
    contentEncoding: null,
    storedSha256: request.sha256,
    storedMd5: null,
    storedCrc32c: null,
    etag: `etag-${request.sha256.slice(0, 8)}`,
    ...changes,
  };
}

/** The commit that follows a reservation, as an upload would make it. */
export function commitFor(
  identity: Identity,
  spec: UploadSpec,
  request: ReservationRequest,
  reservation: Reservation,
): UploadCommit {
  return {
    organizationId: request.organizationId,
    sha256: request.sha256,
    asset: {
      originalFilename: 'report.txt',
      mimeType: 'text/plain',
      assetType: 'SEO_REPORT',
      userId: identity.user,
      projectId: null,
      scanResultId: null,
      tags: {},
      cdnUrl: null,
      isProcessed: false,
      expiresAt: null,
      ...spec,
    },
    ...(spec.original === undefined ? {} : { original: spec.original }),
    object: commitObject(request, reservation),
  };
}

function commitObject(request: ReservationRequest, reservation: Reservation): UploadCommit['object'] {
  if (reservation.kind === 'store') return { ...reservation, facts: factsOf(request) };
  if (reservation.kind === 'attach') {
    return { kind: 'attach', objectId: reservation.object.id, etag: reservation.object.etag };
  }
  if (reservation.kind === 'same-as') return reservation;
  throw new Error(`the content is infected: ${reservation.result}`);
}

export async function upload(
  catalog: Catalog,
  identity: Identity,
  specs: readonly UploadSpec[],
): Promise<UploadCommitResult[]> {
  const requests = specs.map((spec) => requestFor(identity, spec));
  const reservations = await catalog.uploads.reserve(requests, 30);
  const commits = specs.map((spec, index) => {
    const request = requests[index];
    const reservation = reservations[index];
    if (request === undefined || reservation === undefined) throw new Error('a reservation is missing');
    return commitFor(identity, spec, request, reservation);
  });
  return catalog.uploads.commit(identity, commits, AUDIT);
}

/** Uploads, each of which must succeed. */
export async function storeAssets(
  catalog: Catalog,
  identity: Identity,
  specs: readonly UploadSpec[],
): Promise<Asset[]> {
  const results = await upload(catalog, identity, specs);
  return results.map((result) => {
    if (result.kind !== 'committed') throw new Error(`not committed: ${result.kind}`);
    return result.asset;
  });
}

export function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) throw new Error(`expected one, found ${items.length}`);
  return item;
}
