import { toFailure } from '../../core/errors.ts';
import type { SignedPath } from '../../core/signed-path.ts';
import { findSigned, openSigned } from '../../operations/download/signed-files.ts';
import { storedForm } from '../../operations/download/stored-form.ts';
import { answerWithContent, CONTENT_ROUTE } from '../content-answer.ts';
import { defineRoute } from '../route.ts';

interface FilesQuery {
  expires: string;
  type: string;
  disposition: string;
  key: string;
  signature: string;
}

const TEXT = { type: 'string', minLength: 1, maxLength: 4096 };

export const filesRoute = defineRoute({
  methods: ['GET', 'HEAD'],
  url: '/files/:backend/*',
  access: 'open',
  summary: 'What a signed URL of a local backend leads to. The signature is all it needs.',
  params: { type: 'object', properties: { backend: { type: 'string' }, '*': { type: 'string' } } },
  querystring: {
    type: 'object',
    required: ['expires', 'type', 'disposition', 'key', 'signature'],
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
    const { backend, '*': storagePath } = request.params as { backend: string; '*': string };
    const { expires, type, disposition, key, signature } = request.query as FilesQuery;
    const path: SignedPath = {
      ...{ keyId: key, backend, storagePath, disposition },
      expires: Number(expires),
      contentType: type,
    };
    const file = await findSigned(context, path, signature);
    const { object } = file;
    return answerWithContent(request, reply, {
      etag: `"${object.sha256}"`,
      size: object.size,
      contentType: file.contentType,
      disposition: file.disposition,
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
