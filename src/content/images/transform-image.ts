import sharp, { type Metadata, type Sharp } from 'sharp';
import { AssetError } from '../../core/errors.ts';
import { type ImageProfile, PLAIN_PROFILE } from '../../core/image-profile.ts';
import { formatSize } from '../../core/size.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import { TooManyPieces } from '../byte-reader.ts';
import { describeType } from '../sniffing/known-types.ts';
import { countAnimatedPictures, laterPictures } from './animated-png.ts';
import { countJpegParts } from './jpeg-markers.ts';
import { createMemoryBudget } from './memory-budget.ts';
import { countWebpPictures, hasHiddenMetadata, isCutGif, isLosslessWebp } from './metadata.ts';

/** Of all pictures of an animation together; the largest cameras of telephones make 108 million. */
const MOST_PIXELS = 120_000_000;
const MOST_SECONDS = 30;
/** Encoders make some twenty; a decoder cannot be stopped while it goes over the picture again and again. */
const MOST_SCANS = 100;
/** Cameras write some ten. The library keeps each, for hundreds of bytes, before it tells anything of the image. */
const MOST_SEGMENTS = 10_000;
/** Minutes of animation. The time that WebP takes to read grows with the square of their number. */
const MOST_PICTURES = 10_000;
/** Bytes that one image may make the library hold, and what all at once may; a larger one is worked on alone. */
const MOST_HELD = 768 * 2 ** 20;
const budget = createMemoryBudget(512 * 2 ** 20);
/**
 * Bytes that the library was seen to hold for each pixel, of uniform pictures and of noise. What is not named comes or
 * goes in strips.
 */
const DECODING: Readonly<Record<string, number>> = { 'image/gif': 6, 'image/png': 2, 'image/webp': 1 };
const DECODING_IN_PASSES = 4;
const TURNING = 3;
const ENCODING: Readonly<Record<string, number>> = {
  'image/gif': 10,
  'image/jpeg': 7,
  'image/png': 1,
  'image/webp': 12,
};
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
  return inMeasure(name, image, profile, (subject) => code(subject, profile));
}

/** Decodes it and lets go of what comes out. Throws as above. */
async function refuseUnreadable(name: string, image: ImageBytes): Promise<void> {
  await inMeasure(name, image, PLAIN_PROFILE, () => withinTime(open(image).resize(1, 1).raw()));
}

/** The same of each picture of an animated PNG image, of which the library knows the first alone. */
export async function refuseUnreadablePictures(name: string, image: ImageBytes): Promise<void> {
  await refuseUnreadable(name, image);
  try {
    if (countAnimatedPictures(image.bytes) > MOST_PICTURES) {
      throw unsafe(name, `it consists of more than ${MOST_PICTURES} pictures`);
    }
    let pixels = 0;
    for (const picture of laterPictures(image.bytes)) {
      pixels += picture.pixels;
      if (pixels > MOST_PIXELS) throw unsafe(name, `its pictures have more than ${MOST_PIXELS} pixels`);
      await refuseUnreadable(name, { bytes: picture.still, mimeType: image.mimeType });
    }
  } catch (error) {
    throw error instanceof AssetError ? error : explain(name, image.mimeType, error);
  }
}

async function inMeasure<T>(
  name: string,
  image: ImageBytes,
  profile: ImageProfile,
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  try {
    refuseUnfitForReading(name, image);
    const facts = await open(image).metadata();
    const subject = { name, image, facts, isAnimated: (facts.pages ?? 1) > 1 };
    refuseUnreasonable(subject);
    const held = heldBytes(subject, profile);
    if (held > MOST_HELD) throw unsafe(name, `to transform it takes more than ${formatSize(MOST_HELD)} of memory`);
    return await budget.holding(held, () => work(subject));
  } catch (error) {
    throw error instanceof AssetError ? error : explain(name, image.mimeType, error);
  }
}

function withinTime(picture: Sharp): Promise<Buffer> {
  return picture.timeout({ seconds: MOST_SECONDS }).toBuffer();
}

function open({ bytes }: ImageBytes): Sharp {
  return sharp(bytes, { animated: true, failOn: 'error', limitInputPixels: MOST_PIXELS });
}

/** What the library would take long or much memory to read, or would pass over in silence. */
function refuseUnfitForReading(name: string, { bytes, mimeType }: ImageBytes): void {
  if (mimeType === 'image/gif' && isCutGif(bytes)) throw unreadable(name, mimeType);
  if (mimeType === 'image/webp' && countWebpPictures(bytes) > MOST_PICTURES) {
    throw unsafe(name, `it consists of more than ${MOST_PICTURES} pictures`);
  }
  if (mimeType !== 'image/jpeg') return;
  const { scans, segments } = countJpegParts(bytes, MOST_SEGMENTS);
  if (segments > MOST_SEGMENTS) throw unsafe(name, `it has more than ${MOST_SEGMENTS} segments`);
  if (scans > MOST_SCANS) throw unsafe(name, `it is coded in more than ${MOST_SCANS} scans`);
}

function refuseUnreasonable({ name, image, facts }: Subject): void {
  if (facts.mediaType !== image.mimeType) throw unreadable(name, image.mimeType);
  if (pixelsOf(facts) <= MOST_PIXELS) return;
  const { width, pages = 1 } = facts;
  const pictures = pages === 1 ? '' : `${pages} pictures of `;
  const size = `${width} × ${facts.pageHeight ?? facts.height}`;
  throw unsafe(name, `it has ${pictures}${size} pixels, and ${MOST_PIXELS} in all are the limit`);
}

/** Of all its pictures. */
function pixelsOf({ width, height, pageHeight = height, pages = 1 }: Metadata): number {
  return width * pageHeight * pages;
}

/** While it is decoded, turned and coded anew. */
function heldBytes(subject: Subject, profile: ImageProfile): number {
  const { image, facts } = subject;
  const { orientation = 1 } = facts;
  const inPasses = facts.isProgressive === true ? DECODING_IN_PASSES : 0;
  const turning = orientation > 1 && !isLarger(subject, profile) ? TURNING : 0;
  const decoding = (DECODING[image.mimeType] ?? 0) + inPasses + turning;
  const pixels = pixelsOf(facts);
  const result = pixels * shrunkTo(subject, profile) ** 2;
  return pixels * decoding + result * (ENCODING[targetType(subject, profile)] ?? 0);
}

/** The share of its width and height that remains. */
function shrunkTo({ facts }: Subject, { maxWidth, maxHeight }: ImageProfile): number {
  const { width, height } = facts.autoOrient;
  return Math.min(
    1,
    (maxWidth ?? width) / width,
    (maxHeight ?? facts.pageHeight ?? height) / (facts.pageHeight ?? height),
  );
}

async function code(subject: Subject, profile: ImageProfile): Promise<ImageBytes | undefined> {
  const { image } = subject;
  const mimeType = targetType(subject, profile);
  const data = await withinTime(encodeAs(shaped(subject, profile), mimeType, subject, profile));
  const hasToChange =
    mimeType !== image.mimeType ||
    (subject.facts.orientation ?? 1) > 1 ||
    isLarger(subject, profile) ||
    hasHiddenMetadata(image.mimeType, image.bytes);
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
  return mimeType === 'image/png' || (mimeType === 'image/webp' && isLosslessWebp(bytes));
}

function isLossy({ image }: Subject): boolean {
  return !isLossless(image);
}

function explain(name: string, mimeType: string, error: unknown): unknown {
  if (error instanceof TooManyPieces) return unsafe(name, error.message);
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
