import type { Doer } from '../../catalog/catalog.ts';
import type { Asset } from '../../core/asset.ts';
import { contentDisposition } from '../../core/content-disposition.ts';
import { toFailure } from '../../core/errors.ts';
import { findForHandingOut, openForHandingOut } from '../../operations/download/hand-out.ts';
import { handoutName } from '../../operations/download/handout-name.ts';
import { storedForm } from '../../operations/download/stored-form.ts';
import { answerWithContent, CONTENT_ROUTE } from '../content-answer.ts';
import { contextOf, defineRoute, type Serving } from '../route.ts';
import { ID_PARAMS } from '../schemas.ts';
import { idOf } from './assets.ts';

export const downloadRoute = defineRoute({
  methods: ['GET', 'HEAD'],
  url: '/download/:id',
  access: 'read',
  action: 'downloaded',
  summary: 'The content of an asset, verified against its hash.',
  params: ID_PARAMS,
  ...CONTENT_ROUTE,
  async handle(serving, request, reply) {
    const context = contextOf(serving, request);
    const id = idOf(request.params);
    const found = await recordingRefusals(serving, context, id, () => findForHandingOut(context, id));
    const { asset } = found;
    return answerWithContent(request, reply, {
      etag: `"${asset.fileHash}"`,
      size: asset.fileSize,
      contentType: asset.mimeType,
      disposition: contentDisposition(handoutName(asset), false),
      coded: storedForm(context, found.object),
      open: (range) => recordingRefusals(serving, context, id, () => openForHandingOut(context, found, range), asset),
      done: (bytes, range) => {
        serving.metrics.addBytes('sent', bytes);
        serving.ledger.downloaded(asset, bytes, context, range);
      },
      failed: (error) => serving.ledger.refused(id, asset, toFailure(error), context),
    });
  },
});

async function recordingRefusals<T>(
  { ledger }: Serving,
  by: Doer,
  id: string,
  work: () => Promise<T>,
  asset?: Asset,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    ledger.refused(id, asset, toFailure(error), by);
    throw error;
  }
}
