import { type ByteReader, bytesReader } from './byte-reader.ts';
import { endOfJpeg } from './jpeg-markers.ts';

/**
 * Whether an image carries what does not show: EXIF with places and times, XMP, comments, thumbnails, anything behind
 * its end. The colour profile shows. An image that is cut off or damaged may get either answer.
 */
export function hasHiddenMetadata(mimeType: string, bytes: Uint8Array): boolean {
  const reader = bytesReader(bytes);
  switch (mimeType) {
    case 'image/jpeg':
      return someJpegSegment(reader, (code, body) => isHiddenSegment(code, body)) || endOfJpeg(bytes) < bytes.length;
    case 'image/png':
      return withoutHiddenChunks(bytes) !== undefined;
    case 'image/webp':
      return someWebpChunk(reader, (kind) => !SHOWN_WEBP_CHUNKS.has(kind)) || isLongerThanItsRiff(reader);
    case 'image/gif':
      return ['found', 'longer'].includes(walkGif(reader, isHiddenExtension));
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
  somePngChunk(bytesReader(bytes), (kind, start, end) => {
    if (SHOWN_PNG_CHUNKS.has(kind)) kept.push(bytes.subarray(start, end));
    return kind === 'IEND';
  });
  const rest = Buffer.concat(kept);
  return rest.byteLength === bytes.byteLength ? undefined : rest;
}

/** It has the animation control chunk of APNG before its image data. */
export function isAnimatedPng(reader: ByteReader): boolean {
  return somePngChunk(reader, (kind) => kind === 'acTL');
}

/** The picture is coded without loss (RFC 9649, 2.6). */
export function isLosslessWebp(reader: ByteReader): boolean {
  return someWebpChunk(reader, (kind) => kind === 'VP8L');
}

/** Decoders show what there is of a GIF that ends too early, without a word. */
export function isCutGif(reader: ByteReader): boolean {
  return walkGif(reader, () => false) === 'cut';
}

/** PNG specification (third edition), 5.6: what changes how the picture looks. */
const SHOWN_PNG_CHUNKS: ReadonlySet<string> = new Set([
  ...['IHDR', 'PLTE', 'IDAT', 'IEND', 'acTL', 'fcTL', 'fdAT', 'tRNS', 'bKGD', 'pHYs'],
  ...['cHRM', 'gAMA', 'iCCP', 'sBIT', 'sRGB', 'cICP', 'mDCV', 'cLLI', 'hIST', 'sPLT'],
]);
/** RFC 9649, 2.7, without EXIF and XMP. */
const SHOWN_WEBP_CHUNKS: ReadonlySet<string> = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);

function isLongerThanItsRiff(reader: ByteReader): boolean {
  return reader.size > 8 + Buffer.from(reader.read(4, 4)).readUInt32LE();
}

/** JFIF (APP0), the colour profile (APP2 "ICC_PROFILE") and Adobe's colour transform (APP14) belong to the picture. */
function isHiddenSegment(code: number, body: string): boolean {
  if (code === 0xfe) return true;
  if (code < 0xe0 || code > 0xef) return false;
  if (code === 0xe0) return !body.startsWith('JFIF\0');
  if (code === 0xe2) return !body.startsWith('ICC_PROFILE\0');
  return !(code === 0xee && body.startsWith('Adobe'));
}

/** Walks the marker segments to the first scan (ITU T.81, B.2). */
function someJpegSegment(reader: ByteReader, matches: (code: number, body: string) => boolean): boolean {
  for (let at = 2; ; ) {
    const head = reader.read(at, 18);
    const [mark, code = 0, high = 0, low = 0] = head;
    if (mark !== 0xff || head.length < 4 || code === 0xda) return false;
    if (code === 0xff) {
      at += 1; // fill byte
      continue;
    }
    if (matches(code, latin1(head.subarray(4)))) return true;
    at += 2 + Math.max(2, high * 256 + low);
  }
}

/** Walks the chunks (PNG specification, 5.3). */
function somePngChunk(reader: ByteReader, matches: (kind: string, start: number, end: number) => boolean): boolean {
  for (let at = 8; ; ) {
    const head = reader.read(at, 8);
    if (head.length < 8) return false;
    const end = at + 12 + Buffer.from(head).readUInt32BE(0);
    if (matches(latin1(head.subarray(4)), at, end)) return true;
    at = end;
  }
}

/** Walks the chunks of the RIFF container (RFC 9649, 2.3), which are padded to even lengths. */
function someWebpChunk(reader: ByteReader, matches: (kind: string) => boolean): boolean {
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
function walkGif(reader: ByteReader, matches: (label: number, application: string) => boolean): GifWalk {
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
