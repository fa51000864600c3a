import { AssetError } from '../core/errors.ts';
import { type ImageProfile, profileName } from '../core/image-profile.ts';
import { once } from '../core/once.ts';
import { bytesBody } from './bytes-body.ts';
import type { ImageStage, KnownImage, Original } from './content.ts';
import { Fingerprint } from './fingerprint.ts';
import { isAnimatedPng, withoutHiddenChunks } from './images/metadata.ts';
import type { ImageBytes } from './images/transform-image.ts';
import { fileChanged } from './reading/file-errors.ts';
import type { ShapedContent, SniffedContent } from './sniffed-content.ts';
import { knownType } from './sniffing/known-types.ts';

/** What images/ reads and writes. */
const TRANSFORMABLE = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif']);

/**
 * The transform stage: what images of a profile become. An image that was transformed before is known by its
 * hash; the image library is loaded, and the image decoded, only for others.
 * @throws AssetError TYPE_MISMATCH, CONTENT_UNSAFE, FILE_CHANGED
 */
export async function transform(
  name: string,
  sniffed: SniffedContent,
  stage: ImageStage | undefined,
): Promise<ShapedContent> {
  if (stage === undefined || !TRANSFORMABLE.has(sniffed.mimeType)) return asItCame(sniffed);
  const original = { sha256: sniffed.sha256, profile: profileName(stage.profile) };
  const known = await stage.recognise?.(original);
  if (known === 'as-it-came') return { ...asItCame(sniffed), original };
  const familiar = known === undefined ? undefined : await recognised(name, sniffed, stage, original, known);
  return familiar ?? decoded(name, sniffed, stage, original);
}

/** The image library would keep the first picture of an animated PNG alone: that one loses its metadata, no more. */
async function transformed(name: string, image: ImageBytes, profile: ImageProfile): Promise<ImageBytes | undefined> {
  const { bytes, mimeType } = image;
  const { refuseUnreadablePictures, transformImage } = await loadImages();
  if (mimeType !== 'image/png' || !isAnimatedPng(bytes)) return transformImage(name, image, profile);
  await refuseUnreadablePictures(name, image);
  const stripped = withoutHiddenChunks(bytes);
  return stripped === undefined ? undefined : { bytes: stripped, mimeType };
}

/** Loaded when an image has to be decoded, and not before: it takes longer than the start of a command. */
async function loadImages() {
  try {
    return await import('./images/transform-image.ts');
  } catch (error) {
    throw new AssetError('CONFIG_INVALID', 'Images cannot be transformed here: sharp could not be loaded', {
      hint: 'Install asset-cli again for this platform (npm rebuild sharp), or store images as they are: --no-optimize.',
      cause: error,
    });
  }
}

function asItCame({ reader: _, ...content }: SniffedContent): ShapedContent {
  return { isProcessed: false, ...content };
}

async function decoded(
  name: string,
  sniffed: SniffedContent,
  { profile, onceForEqual = (_, make) => make() }: ImageStage,
  original: Original,
): Promise<ShapedContent> {
  const input = wholeContent(name, sniffed);
  const image = { bytes: input, mimeType: sniffed.mimeType };
  const result = await onceForEqual(original, () => transformed(name, image, profile));
  if (result === undefined) return { ...asItCame(sniffed), original };
  await sniffed.close();
  return { ...processed(sniffed, result, original), untransformed: bytesBody(input), close: () => Promise.resolve() };
}

/** Each checksum that the store asked for is taken anew, of what was made. */
function processed({ checksums }: SniffedContent, { bytes, mimeType }: ImageBytes, original: Original) {
  const names = ['sha256', 'md5', 'crc32c'] as const;
  const fingerprint = new Fingerprint(names.filter((each) => checksums[each] !== undefined));
  fingerprint.update(bytes);
  const extension = extensionFor(mimeType);
  return { ...fingerprint.digest(), mimeType, extension, isProcessed: true, original, body: bytesBody(bytes) };
}

/** The image that was fingerprinted, in memory: its file may have changed since. */
function wholeContent(name: string, { reader, size, sha256, body }: SniffedContent): Uint8Array {
  if (body.bytes !== undefined) return body.bytes;
  const bytes = reader.read(0, size);
  const fingerprint = new Fingerprint([]);
  fingerprint.update(bytes);
  if (fingerprint.digest().sha256 !== sha256) throw fileChanged(name);
  return bytes;
}

function extensionFor(mimeType: string): string {
  const extension = knownType(mimeType)?.extensions[0];
  return extension === undefined ? '' : `.${extension}`;
}

/** undefined: it has to be made anew, because it is to have bytes of its own and the known ones are damaged. */
async function recognised(
  name: string,
  sniffed: SniffedContent,
  stage: ImageStage,
  original: Original,
  known: KnownImage,
): Promise<ShapedContent | undefined> {
  const { mimeType } = known;
  if (known.copy !== undefined) {
    const bytes = await known.copy();
    if (bytes === undefined) return undefined;
    return { ...processed(sniffed, { bytes, mimeType }, original), untransformed: sniffed.body, close: sniffed.close };
  }
  const remake = once(() => decoded(name, sniffed, stage, original));
  return {
    size: known.size,
    sha256: known.sha256,
    checksums: {},
    mimeType,
    extension: extensionFor(mimeType),
    isProcessed: true,
    original,
    untransformed: sniffed.body,
    body: { size: known.size, open: () => remadeBody(remake) },
    remake,
    close: sniffed.close,
  };
}

/** For who wants the bytes of a recognised image after all. */
async function* remadeBody(remake: () => Promise<ShapedContent>): AsyncGenerator<Uint8Array> {
  const { body } = await remake();
  yield* body.open();
}
