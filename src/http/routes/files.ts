import { toFailure } from '../../core/errors.ts';
import type { SignedPath } from '../../core/signed-path.ts';
import type { OperationContext } from '../../operations/context.ts';
import { findPublic, findSigned, openSigned, type ServedFile } from '../../operations/download/signed-files.ts';
import { storedForm } from '../../operations/download/stored-form.ts';
import { answerWithContent, CONTENT_ROUTE } from '../content-answer.ts';
import { defineRoute } from '../route.ts';

interface FilesParams {
  backend: string;
  '*': string;
}

interface FilesQuery {
  expires: string;
  type: string;
  disposition: string;
  key: string;
  signature: string;
}

const SIGNED_BY = ['expires', 'type', 'disposition', 'key', 'signature'];
const TEXT = { type: 'string', minLength: 1, maxLength: 4096 };

export const filesRoute = defineRoute({
  methods: ['GET', 'HEAD'],
  url: '/files/:backend/*',
  access: 'open',
  summary: 'A file of a local backend: what a signed URL leads to, or, without a signature, a public asset.',
  params: { type: 'object', properties: { backend: { type: 'string' }, '*': { type: 'string' } } },
  querystring: {
    type: 'object',
    // All of them, or none.
    anyOf: [{ required: SIGNED_BY }, { not: { anyOf: SIGNED_BY.map((name) => ({ required: [name] })) } }],
    properties: {
      expires: { type: 'string', pattern: '^[1-9][0-9]{0,11}$' },
      type: TEXT,
      disposition: TEXT,
      key: TEXT,
      signature: TEXT,
    },
  },
  ...CONTENT_ROUTE,
  async handle({ context, metrics, log }, request, reply) {
    const file = await find(context, request.params as FilesParams, request.query as FilesQuery | { key?: never });
    const { object } = file;
    return answerWithContent(request, reply, {
      etag: `"${object.sha256}"`,
      size: object.size,
      contentType: file.contentType,
      disposition: file.disposition,
      ...(file.cacheControl === undefined ? {} : { cacheControl: file.cacheControl }),
      coded: storedForm(context, object),
      open: (range) => openSigned(context, object, range),
      done: (bytes) => metrics.addBytes('sent', bytes),
      // A reader who goes away is in the access log.
      failed: (error) => {
        if (toFailure(error).code !== 'INTERRUPTED') log.failure(request.id, error);
      },
    });
  },
});

function find(
  context: OperationContext,
  { backend, '*': storagePath }: FilesParams,
  query: FilesQuery | { key?: never },
): Promise<ServedFile> {
  if (query.key === undefined) return findPublic(context, backend, storagePath);
  const { expires, type, disposition, key, signature } = query;
  const path: SignedPath = {
    ...{ keyId: key, backend, storagePath, disposition },
    expires: Number(expires),
    contentType: type,
  };
  return findSigned(context, path, signature);
}
