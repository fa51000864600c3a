import type { ObjectRecord } from '../../catalog/catalog.ts';
import { verifiedCoded } from '../../content/verification/verify-coded.ts';
import type { OperationContext } from '../context.ts';
import { gracePeriod } from '../stopping.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { asAssetError } from '../stores/storage-failure.ts';
import { isDamage } from './read-asset.ts';

/** Content as it is stored, for a reader that decodes it. */
export interface StoredForm {
  encoding: 'gzip';
  /** Bytes as stored. */
  size: number;
  /** Verified like the content itself; undefined if it is not there as it was: the content is read instead. */
  open(): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** undefined for what is stored as it came. */
export function storedForm(context: OperationContext, object: ObjectRecord): StoredForm | undefined {
  const { contentEncoding, storedSize: size } = object;
  if (contentEncoding !== 'gzip') return undefined;
  return {
    encoding: contentEncoding,
    size,
    async open() {
      try {
        const store = await openOwnStore(context, object.backend);
        const { body } = await store.get(object.storagePath, { size, signal: gracePeriod(context.signal) });
        return verifiedCoded(body, contentEncoding, object);
      } catch (error) {
        if (isDamage(error)) return undefined;
        throw asAssetError(error);
      }
    },
  };
}
