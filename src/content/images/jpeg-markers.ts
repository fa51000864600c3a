/** A marker segment of a JPEG image (ITU T.81, B.1). */
export interface JpegSegment {
  code: number;
  /** Behind the marker: length and parameters. Cut where the file is. */
  body: Buffer;
  /** Where it ends in the file; of a scan, its header. */
  end: number;
}

export const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;

/** All segments, those between and behind scans included, to the end of the image. */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment> {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = nextMarker(image, 2); at + 2 <= image.length; ) {
    const code = image.readUInt8(at + 1);
    if (code === END_OF_IMAGE) {
      yield { code, body: image.subarray(at + 2, at + 2), end: at + 2 };
      return;
    }
    if (at + 4 > image.length) return;
    const end = at + 2 + image.readUInt16BE(at + 2);
    yield { code, body: image.subarray(at + 2, end), end };
    at = nextMarker(image, end);
  }
}

/**
 * What decoders read of it: scans, each of which goes over the whole picture and may take no more than some bytes of
 * the file, and segments, each of which they keep. Counted to one more than `most` segments.
 */
export function countJpegParts(bytes: Uint8Array, most: number): { scans: number; segments: number } {
  const counted = { scans: 0, segments: 0 };
  let components = 0;
  let isSequential = false;
  for (const { code, body } of jpegSegments(bytes)) {
    counted.segments += 1;
    if (counted.segments > most) break;
    if (isFrameHeader(code)) {
      components = body[7] ?? 0;
      isSequential = code === 0xc0 || code === 0xc1;
    }
    if (code !== START_OF_SCAN) continue;
    counted.scans += 1;
    // Decoders stop behind the one scan that has everything.
    if (isSequential && body[2] === components) break;
  }
  return counted;
}

/** SOF0 to SOF15 (ITU T.81, B.1.1.3). */
export function isFrameHeader(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

/** Past coded data, in which 0xFF is followed by 0 or a restart marker, and past anything else that decoders skip. */
function nextMarker(image: Buffer, from: number): number {
  for (let at = image.indexOf(0xff, from); at >= 0; at = image.indexOf(0xff, at + 1)) {
    const code = image[at + 1] ?? 0;
    const isInside = code <= 0x01 || code === 0xff || (code >= 0xd0 && code <= 0xd8);
    if (!isInside) return at;
  }
  return image.length;
}
