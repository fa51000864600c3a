import type { FastifyRequest } from 'fastify';
import pLimit from 'p-limit';
import { type Asset, DEFAULT_ASSET_TYPE } from '../../core/asset.ts';
import { parseDuration } from '../../core/duration.ts';
import { AssetError, toFailure } from '../../core/errors.ts';
import { checkId } from '../../core/identity.ts';
import type { OperationContext } from '../../operations/context.ts';
import { checkAssetType } from '../../operations/upload/check-asset-type.ts';
import { recordRefusals } from '../../operations/upload/upload-refusals.ts';
import type { UploadRequest } from '../../operations/upload/upload-request.ts';
import { answerJson, contextOf, defineRoute, type Serving } from '../route.ts';
import { success, TEXT, UPLOADED } from '../schemas.ts';
import { receiveForm, type UploadForm } from '../upload-form.ts';
import { toError } from './assets.ts';

/** Files that do not fit in memory are read and stored with large buffers. */
const LARGE_AT_ONCE = 4;
const SMALL_AT_ONCE = 500;
const LONGEST_LIFE_SECONDS = 1000 * 366 * 86_400;

const large = pLimit(LARGE_AT_ONCE);
const small = pLimit(SMALL_AT_ONCE);

export const uploadRoute = defineRoute({
  methods: ['POST'],
  url: '/upload',
  access: 'write',
  action: 'uploaded',
  summary: 'Validates, scans and stores one file.',
  bodyType: 'multipart/form-data',
  body: {
    type: 'object',
    required: ['file'],
    properties: {
      file: { type: 'string', format: 'binary', description: 'Its part may have any name, and has a file name.' },
      asset_type: { ...TEXT, description: `${DEFAULT_ASSET_TYPE} without it.` },
      project_id: TEXT,
      is_public: { type: 'string', enum: ['true', 'false', '1', '0'] },
      expires_in: { ...TEXT, description: 'Seconds, or a duration: 36h, 30d.' },
    },
  },
  responses: { 201: { description: 'It is stored.', schema: success(UPLOADED) } },
  async handle(serving, request, reply) {
    const context = contextOf(serving, request);
    const form = await receive(context, request);
    serving.metrics.addBytes('received', form.spool.size);
    const limit = form.spool.fd === undefined ? small : large;
    const asset = await limit(() => store(serving, context, form)).finally(() => form.spool.discard());
    return answerJson(reply, 201, { success: true, data: toUploaded(asset) });
  },
});

/** What is refused before it has arrived is in the audit trail as well. */
async function receive(context: OperationContext, request: FastifyRequest): Promise<UploadForm> {
  const { rules, temporaryDirectory: directory } = context;
  try {
    return await receiveForm(request, { rules, directory });
  } catch (error) {
    const refused = { kind: 'failed' as const, source: '-', failure: toFailure(error) };
    await recordRefusals(context, { assetType: DEFAULT_ASSET_TYPE }, [refused]);
    throw error;
  }
}

async function store({ uploads }: Serving, context: OperationContext, form: UploadForm): Promise<Asset> {
  const { filename, spool } = form;
  const request = toRequest(context, form.fields);
  const outcome = await uploads.upload(context, request, { label: filename, path: '-', name: filename, spool });
  if (outcome.kind === 'failed') throw toError(outcome.failure);
  return outcome.asset;
}

function toRequest(context: OperationContext, fields: ReadonlyMap<string, string>): Omit<UploadRequest, 'sources'> {
  const project = fields.get('project_id');
  const expiresIn = fields.get('expires_in');
  return {
    backend: context.backends.defaultName,
    assetType: checkAssetType(context, fields.get('asset_type') || DEFAULT_ASSET_TYPE),
    projectId: project === undefined || project === '' ? null : checkId('project', project),
    scanResultId: null,
    isPublic: parseTruth('is_public', fields.get('is_public')),
    tags: {},
    skipExisting: false,
    optimize: true,
    compress: true,
    ...(expiresIn === undefined || expiresIn === '' ? {} : { expiry: { kind: 'in', seconds: parseLife(expiresIn) } }),
  };
}

/** Not the fields of an object, which has others than its own: `constructor`. */
const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
  ['', false],
]);

function parseTruth(name: string, text = 'false'): boolean {
  const value = TRUTHS.get(text.toLowerCase());
  if (value !== undefined) return value;
  throw new AssetError('USAGE', `${name} is neither true nor false`, { hint: 'Send true or false.' });
}

function parseLife(text: string): number {
  const seconds = /^\d{1,15}$/.test(text) ? Number(text) : Math.floor(parseDuration(text) / 1000);
  if (seconds >= 1 && seconds <= LONGEST_LIFE_SECONDS) return seconds;
  throw new AssetError('USAGE', `"${text}" is not a life that an asset can have`, {
    hint: 'Send seconds or a duration such as 36h or 30d, at most 1000 years; leave it out for ever.',
  });
}

function toUploaded({ id, originalFilename, fileSize, assetType, cdnUrl }: Asset): object {
  return { id, filename: originalFilename, file_size: fileSize, asset_type: assetType, cdn_url: cdnUrl };
}
