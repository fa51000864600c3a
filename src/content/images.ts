import sharp, { type Metadata, type Sharp } from 'sharp';
import { AssetError } from '../core/errors.ts';
import type { ImageProfile } from '../core/image-profile.ts';
import { formatSize } from '../core/size.ts';
import { escapeForTerminal } from '../core/terminal-text.ts';
import { bytesReader } from './byte-reader.ts';
import { hasHiddenMetadata, isCutGif, isLosslessWebp } from './image-metadata.ts';
import { countJpegScans } from './jpeg-scans.ts';
import { describeType } from './known-types.ts';

/** Of all pictures of an animation together; the largest cameras of telephones make 108 million. */
const MOST_PIXELS = 120_000_000;
const MOST_SECONDS = 30;
/** Encoders make some twenty; a decoder cannot be stopped while it goes over the picture again and again. */
const MOST_SCANS = 100;
/** What a decoder may have to hold at once, in bytes. */
const MOST_HELD = 400 * 2 ** 20;
/** What was lossy before is coded anew only if that saves more than a little: each time costs quality. */
const WORTH_A_GENERATION = 0.95;

export interface ImageBytes {
  bytes: Uint8Array;
  mimeType: string;
}

/** What is known of an image before it is decoded. */
interface Subject {
  name: string;
  image: ImageBytes;
  facts: Metadata;
  isAnimated: boolean;
}

/**
 * An image upright, without metadata, in sRGB, in its profile's size and format. undefined: it is best left as it
 * is, for it has nothing to hide and would not become smaller.
 * @throws AssetError TYPE_MISMATCH if it cannot be read to its end, CONTENT_UNSAFE if that would take too much
 */
export async function transformImage(
  name: string,
  image: ImageBytes,
  profile: ImageProfile,
): Promise<ImageBytes | undefined> {
  try {
    const facts = await open(image).metadata();
    const subject = { name, image, facts, isAnimated: (facts.pages ?? 1) > 1 };
    refuseUnreasonable(subject, profile);
    return await code(subject, profile);
  } catch (error) {
    throw error instanceof AssetError ? error : explain(name, image.mimeType, error);
  }
}

function open({ bytes }: ImageBytes): Sharp {
  return sharp(bytes, { animated: true, failOn: 'error', limitInputPixels: MOST_PIXELS });
}

function refuseUnreasonable({ name, image, facts }: Subject, profile: ImageProfile): void {
  const isCut = image.mimeType === 'image/gif' && isCutGif(bytesReader(image.bytes));
  if (isCut || facts.mediaType !== image.mimeType) throw unreadable(name, image.mimeType);
  if (image.mimeType === 'image/jpeg' && countJpegScans(image.bytes, MOST_SCANS) > MOST_SCANS) {
    throw unsafe(name, `it is coded in more than ${MOST_SCANS} scans`);
  }
  const { width, pages = 1 } = facts;
  const height = facts.pageHeight ?? facts.height;
  if (width * height * pages <= MOST_PIXELS) {
    if (heldBytes(facts, profile) > MOST_HELD)
      throw unsafe(name, `decoding it takes more than ${formatSize(MOST_HELD)}`);
    return;
  }
  const pictures = pages === 1 ? '' : `${pages} pictures of `;
  throw unsafe(name, `it has ${pictures}${width} × ${height} pixels, and ${MOST_PIXELS} in all are the limit`);
}

/** A picture that comes in several passes (of a JPEG image, coefficients), or is turned at its full size, is held whole. */
function heldBytes(facts: Metadata, { maxWidth, maxHeight }: ImageProfile): number {
  const { width, height, channels, depth, orientation = 1 } = facts;
  const inPasses = facts.isProgressive === true;
  const isTurned = orientation > 1 && maxWidth === null && maxHeight === null;
  if (!inPasses && !isTurned) return 0;
  const bytesEach = depth === 'ushort' || (inPasses && facts.format === 'jpeg') ? 2 : 1;
  return width * height * channels * bytesEach;
}

async function code(subject: Subject, profile: ImageProfile): Promise<ImageBytes | undefined> {
  const { image } = subject;
  const mimeType = targetType(subject, profile);
  const data = await encodeAs(shaped(subject, profile), mimeType, subject, profile)
    .timeout({ seconds: MOST_SECONDS })
    .toBuffer();
  const hasToChange =
    mimeType !== image.mimeType ||
    (subject.facts.orientation ?? 1) > 1 ||
    isLarger(subject, profile) ||
    hasHiddenMetadata(image.mimeType, bytesReader(image.bytes));
  const share = isLossy(subject) ? WORTH_A_GENERATION : 1;
  return hasToChange || data.byteLength < image.bytes.byteLength * share ? { bytes: data, mimeType } : undefined;
}

function targetType({ image, isAnimated }: Subject, { format }: ImageProfile): string {
  if (format === 'keep' || (isAnimated && format !== 'webp')) return image.mimeType;
  return `image/${format}`;
}

/** Without options sharp converts to sRGB and leaves all metadata out. */
function shaped(subject: Subject, { maxWidth, maxHeight }: ImageProfile): Sharp {
  // libvips turns still pictures only; animated formats do not say how they are to be turned.
  const upright = subject.isAnimated ? open(subject.image) : open(subject.image).autoOrient();
  if (maxWidth === null && maxHeight === null) return upright;
  return upright.resize(maxWidth, maxHeight, { fit: 'inside', withoutEnlargement: true });
}

function isLarger({ facts }: Subject, { maxWidth, maxHeight }: ImageProfile): boolean {
  const { width, height } = facts.autoOrient;
  const pictureHeight = facts.pageHeight ?? height;
  return width > (maxWidth ?? Number.POSITIVE_INFINITY) || pictureHeight > (maxHeight ?? Number.POSITIVE_INFINITY);
}

function encodeAs(picture: Sharp, mimeType: string, { image, facts }: Subject, { quality }: ImageProfile): Sharp {
  switch (mimeType) {
    case 'image/jpeg':
      return (facts.hasAlpha ? picture.flatten({ background: 'white' }) : picture).jpeg({ quality });
    case 'image/png':
      return picture.png({ compressionLevel: 9 });
    case 'image/webp':
      return picture.webp({ quality, lossless: isLossless(image) });
    default:
      return picture.gif();
  }
}

function isLossless({ mimeType, bytes }: ImageBytes): boolean {
  return mimeType === 'image/png' || (mimeType === 'image/webp' && isLosslessWebp(bytesReader(bytes)));
}

function isLossy({ image }: Subject): boolean {
  return !isLossless(image);
}

function explain(name: string, mimeType: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message : '';
  if (/pixel limit/i.test(message)) return unsafe(name, `it has more than ${MOST_PIXELS} pixels`);
  if (/timeout/i.test(message)) return unsafe(name, `it takes more than ${MOST_SECONDS} seconds to decode`);
  return unreadable(name, mimeType, error);
}

function unreadable(name: string, mimeType: string, cause?: unknown): AssetError {
  return new AssetError(
    'TYPE_MISMATCH',
    `${escapeForTerminal(name)} begins like ${describeType(mimeType)}, but cannot be read as one`,
    {
      hint: 'Make or fetch it again, and check that it can be opened; --no-optimize stores it as it is.',
      details: { mimeType },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function unsafe(name: string, problem: string): AssetError {
  return new AssetError('CONTENT_UNSAFE', `${escapeForTerminal(name)} is not safe to open: ${problem}`, {
    hint: 'Make it smaller, or store it as it is with --no-optimize.',
  });
}
