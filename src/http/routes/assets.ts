import type { Asset } from '../../core/asset.ts';
import { AssetError, causeOf, type FailureRecord } from '../../core/errors.ts';
import { listAssets } from '../../operations/assets/list-assets.ts';
import { findAsset, findRecorded } from '../../operations/download/hand-out.ts';
import { LONGEST_SIGNATURE_SECONDS, sign } from '../../operations/download/sign.ts';
import { deleteAssets } from '../../operations/removal/delete.ts';
import { answerJson, contextOf, defineRoute, only } from '../route.ts';
import { ASSET, ASSET_TYPE, COUNT, ID_PARAMS, LISTED, record, success, TEXT, toSnakeCase } from '../schemas.ts';

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 500;
const LONGEST_CURSOR = 1024;
const LONGEST_NAME = 255;
const NEWEST_FIRST = { field: 'created', descending: true } as const;

interface ListQuery {
  asset_type?: string;
  limit: number;
  cursor?: string;
}

export const listRoute = defineRoute({
  methods: ['GET'],
  url: '/',
  access: 'read',
  summary: "The caller's assets, newest first.",
  querystring: {
    type: 'object',
    properties: {
      asset_type: ASSET_TYPE,
      limit: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE, default: DEFAULT_PAGE },
      cursor: { type: 'string', minLength: 1, maxLength: LONGEST_CURSOR },
    },
  },
  responses: {
    200: {
      description: 'A page, and the cursor of the next.',
      schema: success({ type: 'array', items: LISTED }, { next_cursor: { type: ['string', 'null'] } }),
    },
  },
  async handle(serving, request, reply) {
    const context = contextOf(serving, request);
    const { asset_type, limit, cursor } = request.query as ListQuery;
    const { user } = context.identity;
    const filter = {
      ...(asset_type === undefined ? {} : { assetType: asset_type }),
      // A token of nobody has no assets of its own; it sees its organisation's.
      ...(user === null ? {} : { userId: user }),
    };
    const query = { filter, allOrganizations: false, sort: NEWEST_FIRST, limit };
    const page = await only(listAssets(context, cursor === undefined ? query : { ...query, after: cursor }));
    return answerJson(reply, 200, { success: true, data: page.assets.map(toListed), next_cursor: page.nextCursor });
  },
});

function toListed({ id, originalFilename, fileSize, assetType, createdAt, cdnUrl }: Asset): object {
  return {
    id,
    filename: originalFilename,
    file_size: fileSize,
    asset_type: assetType,
    created_at: createdAt,
    cdn_url: cdnUrl,
  };
}

export const showRoute = defineRoute({
  methods: ['GET', 'HEAD'],
  url: '/assets/:id',
  access: 'read',
  summary: 'One asset in full.',
  params: ID_PARAMS,
  responses: { 200: { description: 'The asset.', schema: success(ASSET) } },
  async handle(serving, request, reply) {
    const { asset } = await findAsset(contextOf(serving, request), idOf(request.params));
    return answerJson(reply, 200, { success: true, data: toSnakeCase(asset) });
  },
});

export const deleteRoute = defineRoute({
  methods: ['DELETE'],
  url: '/assets/:id',
  access: 'write',
  action: 'deleted',
  summary: 'Removes an asset, and its bytes if no other asset needs them; or moves it to the trash, as configured.',
  params: ID_PARAMS,
  responses: {
    200: {
      description: 'It is gone, or in the trash.',
      schema: success(record({ id: TEXT, status: { enum: ['deleted', 'trashed'] }, bytes_freed: COUNT })),
    },
    202: {
      description: 'It is gone; its bytes follow.',
      schema: success(record({ id: TEXT, status: { const: 'deleted' }, bytes_freed: { const: 0 } })),
    },
  },
  async handle(serving, request, reply) {
    const context = contextOf(serving, request);
    const { asset } = await findRecorded(context, 'deleted', idOf(request.params));
    const selection = { kind: 'ids' as const, ids: [asset.id] };
    const outcome = await only(deleteAssets(context, { selection, dryRun: false }));
    if (outcome.kind === 'failed') {
      if (outcome.failure.code !== 'BYTES_REMAIN') throw toError(outcome.failure);
      return answerJson(reply, 202, { success: true, data: { id: asset.id, status: 'deleted', bytes_freed: 0 } });
    }
    const data = { id: outcome.id, status: outcome.kind, bytes_freed: outcome.bytes };
    return answerJson(reply, 200, { success: true, data });
  },
});

interface SignBody {
  expires_in?: number;
  download_as?: string;
  inline?: boolean;
}

export const signRoute = defineRoute({
  methods: ['POST'],
  url: '/assets/:id/sign',
  access: 'read',
  action: 'signed',
  summary: 'A URL that works without a token for a while.',
  params: ID_PARAMS,
  body: {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: {
      expires_in: {
        type: 'integer',
        minimum: 1,
        maximum: LONGEST_SIGNATURE_SECONDS,
        description: 'Seconds. Without it 3600, or the address at the CDN, which does not end, where there is one.',
      },
      download_as: { type: 'string', minLength: 1, maxLength: LONGEST_NAME },
      inline: { type: 'boolean', description: 'Let a browser show it, if its type is harmless.' },
    },
  },
  responses: {
    200: {
      description: 'The URL, and when it ends.',
      schema: success(record({ id: TEXT, url: TEXT, expires_at: { type: ['string', 'null'] } })),
    },
  },
  async handle(serving, request, reply) {
    const context = contextOf(serving, request);
    const { expires_in, download_as, inline = false } = (request.body ?? {}) as SignBody;
    const { asset } = await findRecorded(context, 'signed', idOf(request.params));
    const wish = {
      ...{ ids: [asset.id], inline, noCdn: false },
      // Each asks for a signature, where a CDN has an address without.
      ...(expires_in === undefined ? {} : { expiresIn: expires_in }),
      ...(download_as === undefined ? {} : { downloadAs: download_as }),
    };
    const outcome = await only(sign(context, wish));
    if (outcome.kind === 'failed') throw toError(outcome.failure);
    const { id, url, expiresAt } = outcome;
    return answerJson(reply, 200, { success: true, data: { id, url, expires_at: expiresAt } });
  },
});

export function idOf(params: unknown): string {
  return (params as { id: string }).id;
}

export function toError(failure: FailureRecord): AssetError {
  const { code, message, hint } = failure;
  const cause = causeOf(failure);
  return new AssetError(code, message, hint === undefined ? { cause } : { hint, cause });
}
