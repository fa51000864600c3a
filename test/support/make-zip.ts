import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipPart {
  name: string;
  data: string | Uint8Array;
  /** Left as it is instead of deflated. */
  stored?: boolean;
  /** Sizes and CRC follow the data, as streaming writers do. */
  descriptor?: boolean;
  /** Sizes in the ZIP64 extra field of the central directory. */
  zip64?: boolean;
  /** What the central directory claims instead of the truth. */
  claims?: { size?: number; compressedSize?: number; offset?: number };
}

/** Writes a ZIP whose entries stand in the order given, with the peculiarities asked for. */
export function makeZip(parts: readonly ZipPart[], comment = ''): Buffer {
  const written: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const { local, central } = writePart(part, offset);
    written.push(local);
    directory.push(central);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...written, central, end, Buffer.from(comment)]);
}

function writePart(part: ZipPart, offset: number): { local: Buffer; central: Buffer } {
  const data = Buffer.from(part.data);
  const packed = part.stored === true ? data : deflateRawSync(data);
  const name = Buffer.from(part.name);
  const flags = part.descriptor === true ? 8 : 0;
  const method = part.stored === true ? 0 : 8;
  const checksum = crc32(data);

  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt16LE(method, 8);
  header.writeUInt16LE(name.length, 26);
  const descriptor = Buffer.alloc(part.descriptor === true ? 16 : 0);
  if (part.descriptor === true) {
    descriptor.writeUInt32LE(0x08074b50, 0);
    descriptor.writeUInt32LE(checksum, 4);
    descriptor.writeUInt32LE(packed.length, 8);
    descriptor.writeUInt32LE(data.length, 12);
  } else {
    header.writeUInt32LE(checksum, 14);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(data.length, 22);
  }

  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(20, 6);
  entry.writeUInt16LE(flags, 8);
  entry.writeUInt16LE(method, 10);
  entry.writeUInt32LE(checksum, 16);
  entry.writeUInt16LE(name.length, 28);
  const size = part.claims?.size ?? data.length;
  const compressedSize = part.claims?.compressedSize ?? packed.length;
  const extra = Buffer.alloc(part.zip64 === true ? 20 : 0);
  if (part.zip64 === true) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(16, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(compressedSize), 12);
  }
  entry.writeUInt32LE(part.zip64 === true ? 0xffffffff : compressedSize, 20);
  entry.writeUInt32LE(part.zip64 === true ? 0xffffffff : size, 24);
  entry.writeUInt16LE(extra.length, 30);
  entry.writeUInt32LE(part.claims?.offset ?? offset, 42);
  return {
    local: Buffer.concat([header, name, packed, descriptor]),
    central: Buffer.concat([entry, name, extra]),
  };
}
