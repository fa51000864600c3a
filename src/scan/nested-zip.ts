import { crc32 } from 'node:zlib';

const NAME = 'a.zip';

/** A harmless ZIP in a ZIP in a ZIP …: about 110 bytes a level. */
export function nestedZip(levels: number): Buffer {
  let content: Buffer = Buffer.from('the innermost file\n');
  for (let level = 0; level < levels; level += 1) content = storedInZip(content);
  return content;
}

/** One stored entry (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16). */
function storedInZip(data: Buffer): Buffer {
  const common = Buffer.alloc(26);
  common.writeUInt16LE(10, 0);
  common.writeUInt32LE(crc32(data), 10);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(data.length, 18);
  common.writeUInt16LE(NAME.length, 22);
  const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, Buffer.from(NAME), data]);
  const entry = Buffer.concat([Buffer.from('PK\u0001\u0002\u000a\u0000'), common, Buffer.alloc(14), Buffer.from(NAME)]);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, entry, end]);
}
