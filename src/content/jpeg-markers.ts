/**
 * How many scans a JPEG image is decoded in, counted to one more than `most` (ITU T.81, B.1 and B.2). Each scan goes
 * over the whole picture, and may take no more than some bytes of the file.
 */
export function countJpegScans(bytes: Uint8Array, most: number): number {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let scans = 0;
  let components = 0;
  let isSequential = false;
  for (let at = nextMarker(image, 2); at + 10 <= image.length; ) {
    const code = image.readUInt8(at + 1);
    if (code === 0xd9) return scans;
    if (isFrameHeader(code)) {
      components = image.readUInt8(at + 9);
      isSequential = code === 0xc0 || code === 0xc1;
    }
    if (code === 0xda) {
      scans += 1;
      // Decoders stop behind the one scan that has everything.
      const isAll = isSequential && image.readUInt8(at + 4) === components;
      if (isAll || scans > most) return scans;
    }
    at = nextMarker(image, at + 2 + image.readUInt16BE(at + 2));
  }
  return scans;
}

/** Where the image ends: behind its EOI, whatever a program has appended; its length if it is cut off. */
export function endOfJpeg(bytes: Uint8Array): number {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = nextMarker(image, 2); at + 2 <= image.length; ) {
    if (image.readUInt8(at + 1) === 0xd9) return at + 2;
    if (at + 4 > image.length) break;
    at = nextMarker(image, at + 2 + image.readUInt16BE(at + 2));
  }
  return image.length;
}

function isFrameHeader(code: number): boolean {
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
