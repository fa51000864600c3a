import { crc32 } from 'node:zlib';
import { pngChunks } from './metadata.ts';

/** A picture of an animation, as its control chunk announces it. */
export interface AnimatedPicture {
  pixels: number;
  /** As a PNG image of its own. */
  still: Uint8Array;
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** Of a chunk: its length and its kind go before its data. */
const HEAD = 8;
const CRC_LENGTH = 4;
/** Control chunks and later pictures' data begin with their number in the sequence. */
const SEQUENCE_LENGTH = 4;
const SIZE_LENGTH = 8;

/**
 * The pictures of an animated PNG image behind its first, which is the image that every reader of PNG sees (PNG
 * specification, third edition, 11.3.6). They share its depth, colours and way of coding.
 * @throws TooManyPieces
 */
export function* laterPictures(bytes: Uint8Array): Generator<AnimatedPicture> {
  const colours: Uint8Array[] = [];
  let header = bytes.subarray(0, 0);
  let control = bytes.subarray(0, 0);
  let data: Uint8Array[] = [];
  for (const { kind, start, end } of pngChunks(bytes)) {
    const body = bytes.subarray(start + HEAD, end - CRC_LENGTH);
    if (kind === 'IHDR') header = body;
    if (kind === 'PLTE' || kind === 'tRNS') colours.push(bytes.subarray(start, end));
    if (kind === 'fdAT') data.push(body.subarray(SEQUENCE_LENGTH));
    if (kind === 'IEND') break;
    if (kind !== 'fcTL') continue;
    if (data.length > 0) yield picture(control, header, colours, data);
    control = body;
    data = [];
  }
  if (data.length > 0) yield picture(control, header, colours, data);
}

function picture(
  control: Uint8Array,
  header: Uint8Array,
  colours: readonly Uint8Array[],
  data: readonly Uint8Array[],
): AnimatedPicture {
  // One that lacks its control chunk, or a part of it, has no size, and is no image.
  const size = Buffer.alloc(SIZE_LENGTH);
  size.set(control.subarray(SEQUENCE_LENGTH, SEQUENCE_LENGTH + SIZE_LENGTH));
  const own = chunk('IHDR', Buffer.concat([size, header.subarray(SIZE_LENGTH)]));
  const coded = data.flatMap((piece) => chunk('IDAT', piece));
  const still = Buffer.concat([SIGNATURE, ...own, ...colours, ...coded, ...chunk('IEND', Buffer.alloc(0))]);
  return { pixels: size.readUInt32BE(0) * size.readUInt32BE(4), still };
}

/** In parts, of which the data is not copied. */
function chunk(kind: string, data: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(data.byteLength);
  head.write(kind, 4, 'latin1');
  const check = Buffer.alloc(CRC_LENGTH);
  check.writeUInt32BE(crc32(data, crc32(kind)));
  return [head, data, check];
}

/** @throws TooManyPieces */
export function countAnimatedPictures(bytes: Uint8Array): number {
  let pictures = 0;
  for (const { kind } of pngChunks(bytes)) if (kind === 'fcTL') pictures += 1;
  return pictures;
}
