import type { AssetWithObject } from '../catalog/catalog.ts';
import { AssetError } from '../core/errors.ts';
import type { OperationContext } from './context.ts';
import { checkHandingOut } from './handing-out.ts';
import { type ContentRange, openAsset, readAsset } from './read-asset.ts';
import { notFound } from './resolve-assets.ts';

/** Up to this size content is read, and verified, before its first byte goes out. */
const SMALL_BYTES = 256 * 1024;

const WHOLE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The asset of a whole id, if the identity may see it.
 * @throws AssetError ASSET_NOT_FOUND
 */
export async function findAsset(context: OperationContext, id: string): Promise<AssetWithObject> {
  const catalog = await context.catalog();
  const [found] = WHOLE_ID.test(id) ? await catalog.assets.byIds(context.identity, [id]) : [];
  if (found === undefined) throw notFound(id);
  return found;
}

/**
 * The asset of a whole id, if its content may be handed out to the identity.
 * @throws AssetError as checkHandingOut
 */
export async function findForHandingOut(context: OperationContext, id: string): Promise<AssetWithObject> {
  const found = await findAsset(context, id);
  await checkHandingOut(context, found);
  return found;
}

/** The content of an asset, or a part of it: in memory if it is small, else as it is read. */
export async function openForHandingOut(
  context: OperationContext,
  found: AssetWithObject,
  range: ContentRange | undefined,
): Promise<Buffer | AsyncIterable<Uint8Array>> {
  const isWhole = range === undefined || (range.start === 0 && range.end === found.asset.fileSize - 1);
  if (!isWhole) return openAsset(context, found, range);
  if (found.asset.fileSize > SMALL_BYTES) return openAsset(context, found);
  let content: Buffer | undefined;
  await readAsset(context, found, async (body) => {
    content = await collect(body);
  });
  if (content === undefined) throw new AssetError('UNEXPECTED', 'nothing was read');
  return content;
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined
    ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    : Buffer.concat(chunks);
}
