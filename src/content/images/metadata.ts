import { type ByteReader, bytesReader, walkedReader } from '../byte-reader.ts';
import { END_OF_IMAGE, type JpegSegment, jpegSegments } from './jpeg-markers.ts';

/**
 * Whether an image carries what does not show: EXIF with places and times, XMP, comments, thumbnails, anything behind
 * its end. The colour profile shows. An image that is cut off or damaged may get either answer.
 * @throws TooManyPieces
 */
export function hasHiddenMetadata(mimeType: string, bytes: Uint8Array): boolean {
  switch (mimeType) {
    case 'image/jpeg':
      return hidesInJpeg(bytes);
    case 'image/png':
      return withoutHiddenChunks(bytes) !== undefined;
    case 'image/webp':
      return someWebpChunk(bytes, (kind) => !SHOWN_WEBP_CHUNKS.has(kind)) || isLongerThanItsRiff(bytes);
    case 'image/gif':
      return ['found', 'longer'].includes(walkGif(bytes, isHiddenExtension));
    default:
      return false;
  }
}

/**
 * A PNG image without what does not show, and without what lies behind its end; its pictures stay as they are.
 * undefined: it has nothing of that kind.
 */
export function withoutHiddenChunks(bytes: Uint8Array): Uint8Array | undefined {
  const kept: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const { kind, start, end } of pngChunks(bytes)) {
    if (SHOWN_PNG_CHUNKS.has(kind)) kept.push(bytes.subarray(start, end));
    if (kind === 'IEND') break;
  }
  const rest = Buffer.concat(kept);
  return rest.byteLength === bytes.byteLength ? undefined : rest;
}

/** It has the animation control chunk before its image data (PNG specification, third edition, 11.3.6.1). */
export function isAnimatedPng(bytes: Uint8Array): boolean {
  for (const { kind } of pngChunks(bytes)) {
    if (kind === 'acTL') return true;
    if (kind === 'IDAT') return false;
  }
  return false;
}

/**
 * The picture is coded without loss (RFC 9649, 2.6).
 * @throws TooManyPieces
 */
export function isLosslessWebp(bytes: Uint8Array): boolean {
  return someWebpChunk(bytes, (kind) => kind === 'VP8L');
}

/**
 * How many pictures an animated WebP image has (RFC 9649, 2.7.1.1).
 * @throws TooManyPieces
 */
export function countWebpPictures(bytes: Uint8Array): number {
  let pictures = 0;
  someWebpChunk(bytes, (kind) => {
    if (kind === 'ANMF') pictures += 1;
    return false;
  });
  return pictures;
}

/**
 * Decoders show what there is of a GIF that ends too early, without a word.
 * @throws TooManyPieces
 */
export function isCutGif(bytes: Uint8Array): boolean {
  return walkGif(bytes, () => false) === 'cut';
}

/** PNG specification (third edition), 5.6: what changes how the picture looks. */
const SHOWN_PNG_CHUNKS: ReadonlySet<string> = new Set([
  ...['IHDR', 'PLTE', 'IDAT', 'IEND', 'acTL', 'fcTL', 'fdAT', 'tRNS', 'bKGD', 'pHYs'],
  ...['cHRM', 'gAMA', 'iCCP', 'sBIT', 'sRGB', 'cICP', 'mDCV', 'cLLI', 'hIST', 'sPLT'],
]);
/** Of its segment, without a thumbnail (ITU T.871, 10.1). */
const JFIF_LENGTH = 16;
/** RFC 9649, 2.7, without EXIF and XMP. */
const SHOWN_WEBP_CHUNKS: ReadonlySet<string> = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);

function isLongerThanItsRiff(bytes: Uint8Array): boolean {
  return bytes.byteLength > 8 + Buffer.from(bytes.subarray(4, 8)).readUInt32LE();
}

function hidesInJpeg(bytes: Uint8Array): boolean {
  for (const segment of jpegSegments(bytes)) {
    if (isHiddenSegment(segment)) return true;
    if (segment.code === END_OF_IMAGE) return segment.end < bytes.byteLength;
  }
  return false;
}

/**
 * JFIF (APP0), the colour profile (APP2 "ICC_PROFILE") and Adobe's colour transform (APP14) belong to the picture, but
 * not the thumbnail that JFIF has room for.
 */
function isHiddenSegment({ code, body }: JpegSegment): boolean {
  if (code === 0xfe) return true;
  if (code < 0xe0 || code > 0xef) return false;
  const label = latin1(body.subarray(2, 14));
  if (code === 0xe0) return !label.startsWith('JFIF\0') || body.length > JFIF_LENGTH;
  if (code === 0xe2) return label !== 'ICC_PROFILE\0';
  return !(code === 0xee && label.startsWith('Adobe'));
}

/**
 * Walks the chunks (PNG specification, 5.3), with what goes before and behind their data.
 * @throws TooManyPieces
 */
export function* pngChunks(bytes: Uint8Array): Generator<{ kind: string; start: number; end: number }> {
  const reader = walkedReader(bytesReader(bytes));
  for (let start = 8; ; ) {
    const head = reader.read(start, 8);
    if (head.length < 8) return;
    const end = start + 12 + Buffer.from(head).readUInt32BE(0);
    yield { kind: latin1(head.subarray(4)), start, end };
    start = end;
  }
}

/** Walks the chunks of the RIFF container (RFC 9649, 2.3), which are padded to even lengths. */
function someWebpChunk(bytes: Uint8Array, matches: (kind: string) => boolean): boolean {
  const reader = walkedReader(bytesReader(bytes));
  for (let at = 12; ; ) {
    const head = reader.read(at, 8);
    if (head.length < 8) return false;
    if (matches(latin1(head.subarray(0, 4)))) return true;
    const length = Buffer.from(head).readUInt32LE(4);
    at += 8 + length + (length % 2);
  }
}

/** Loops are animation; anything else that a program added is not shown. */
function isHiddenExtension(label: number, application: string): boolean {
  const isLoop = application === 'NETSCAPE2.0' || application === 'ANIMEXTS1.0';
  return label === 0xfe || (label === 0xff && !isLoop);
}

/** longer: something lies behind its end. */
type GifWalk = 'found' | 'end' | 'longer' | 'cut';

/** Walks the blocks (GIF89a, 17 to 27) to the trailer. */
function walkGif(bytes: Uint8Array, matches: (label: number, application: string) => boolean): GifWalk {
  const reader = walkedReader(bytesReader(bytes));
  let at = 13 + colourTableLength(reader.read(10, 1)[0]);
  for (;;) {
    const [kind, label = 0] = reader.read(at, 2);
    if (kind === 0x21) {
      if (matches(label, latin1(reader.read(at + 3, 11)))) return 'found';
      at = endOfSubBlocks(reader, at + 2);
    } else if (kind === 0x2c) at = endOfSubBlocks(reader, at + 11 + colourTableLength(reader.read(at + 9, 1)[0]));
    else if (kind !== 0x3b) return 'cut';
    else return at + 1 < reader.size ? 'longer' : 'end';
  }
}

function colourTableLength(flags = 0): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

function endOfSubBlocks(reader: ByteReader, start: number): number {
  let at = start;
  for (let [length = 0] = reader.read(at, 1); length > 0; [length = 0] = reader.read(at, 1)) at += 1 + length;
  return at + 1;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
