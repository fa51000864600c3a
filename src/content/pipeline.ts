import { once } from '../core/once.ts';
import type { Content, ReadOptions } from './content.ts';
import { encode } from './encode.ts';
import type { ShapedContent, SniffedContent } from './sniffed-content.ts';
import { transform } from './transform.ts';

/**
 * The way of content into a store:
 *
 *   sniff        reading/, which shows it to sniffing/: one pass that also fingerprints it as it came
 *   transform    transform.ts; images/transform-image.ts is loaded for what has to be decoded
 *   fingerprint  of the content: anew where it was transformed
 *   encode       encode.ts
 *   fingerprint  of the bytes as stored, as they are coded
 *
 * It comes here sniffed. Each stage takes what the one before gives (sniffed-content.ts), and leaves alone what is not
 * its own. The last two run when the bytes are wanted: not if the same content is stored already.
 * @throws AssetError TYPE_MISMATCH, CONTENT_UNSAFE, FILE_CHANGED
 */
export async function throughPipeline(name: string, sniffed: SniffedContent, options: ReadOptions): Promise<Content> {
  return toContent(await transform(name, sniffed, options.images), options);
}

function toContent(shaped: ShapedContent, options: ReadOptions): Content {
  const { size, sha256, mimeType, extension, isProcessed, original, untransformed, body, remake } = shaped;
  const closers = [shaped.close];
  return {
    size,
    sha256,
    mimeType,
    extension,
    isProcessed,
    body,
    stored: once(() => encode(shaped, options, (close) => closers.push(close))),
    async close() {
      for (const close of closers.splice(0)) await close();
    },
    ...(original === undefined ? {} : { original }),
    ...(untransformed === undefined ? {} : { untransformed }),
    ...(remake === undefined ? {} : { remake: async () => toContent(await remake(), options) }),
  };
}
