import type { ByteReader } from '../byte-reader.ts';
import { isFrameHeader } from './jpeg-markers.ts';

/** In pixels, as the header declares them. */
export interface ImageSize {
  width: number;
  height: number;
}

type HeaderReader = (reader: ByteReader) => ImageSize | undefined;

const HEADER_READERS: ReadonlyMap<string, HeaderReader> = new Map([
  ['image/png', pngSize],
  ['image/gif', gifSize],
  ['image/jpeg', jpegSize],
  ['image/webp', webpSize],
]);

/** Whether readImageSize knows this type. */
export function hasReadableHeader(mimeType: string): boolean {
  return HEADER_READERS.has(mimeType);
}

/** The size that the header declares, without decoding; undefined if the image is cut off or damaged. */
export function readImageSize(mimeType: string, reader: ByteReader): ImageSize | undefined {
  const size = HEADER_READERS.get(mimeType)?.(reader);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

/** Also walks the chunks (PNG specification, 5.3) to the end, so that a cut file is noticed. */
function pngSize(reader: ByteReader): ImageSize | undefined {
  const header = viewAt(reader, 8, 16);
  if (header === undefined || header.getUint32(4) !== fourCharacters('IHDR')) return undefined;
  for (let at = 8; ; ) {
    const chunk = viewAt(reader, at, 8);
    if (chunk === undefined) return undefined;
    at += 12 + chunk.getUint32(0);
    if (at > reader.size) return undefined;
    if (chunk.getUint32(4) === fourCharacters('IEND')) break;
  }
  return { width: header.getUint32(8), height: header.getUint32(12) };
}

function gifSize(reader: ByteReader): ImageSize | undefined {
  const header = viewAt(reader, 0, 13);
  if (header === undefined) return undefined;
  const colours = header.getUint8(10);
  const tableEnd = 13 + (colours & 0x80 ? 3 * 2 ** ((colours & 7) + 1) : 0);
  if (reader.size <= tableEnd) return undefined;
  return { width: header.getUint16(6, true), height: header.getUint16(8, true) };
}

/** Walks the marker segments to the frame header (ITU T.81, B.2.2). */
function jpegSize(reader: ByteReader): ImageSize | undefined {
  for (let at = 2; ; ) {
    const marker = viewAt(reader, at, 4);
    if (marker === undefined || marker.getUint8(0) !== 0xff) return undefined;
    const code = marker.getUint8(1);
    if (code === 0xff) {
      at += 1; // fill byte
      continue;
    }
    if (isFrameHeader(code)) {
      const frame = viewAt(reader, at + 5, 4);
      return frame === undefined ? undefined : { width: frame.getUint16(2), height: frame.getUint16(0) };
    }
    if (code === 0xd9 || code === 0xda) return undefined;
    at += 2 + marker.getUint16(2);
  }
}

/** The three kinds of WebP (RFC 9649, 2.5 to 2.7). */
function webpSize(reader: ByteReader): ImageSize | undefined {
  const view = viewAt(reader, 0, 30);
  if (view === undefined || view.getUint32(4, true) + 8 > reader.size) return undefined;
  const kind = view.getUint32(12);
  if (kind === fourCharacters('VP8X')) {
    return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
  }
  if (kind === fourCharacters('VP8L')) {
    const bits = view.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  if (kind !== fourCharacters('VP8 ')) return undefined;
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function fourCharacters(text: string): number {
  return Buffer.from(text, 'latin1').readUInt32BE(0);
}

function viewAt(reader: ByteReader, offset: number, length: number): DataView | undefined {
  const bytes = reader.read(offset, length);
  return bytes.length === length ? new DataView(bytes.buffer, bytes.byteOffset, length) : undefined;
}
