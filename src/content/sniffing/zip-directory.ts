import type { ByteReader } from '../byte-reader.ts';

/** What the central directory of a ZIP says of one entry (APPNOTE.TXT 4.3.12). */
export interface ZipEntry {
  name: string;
  method: number;
  encrypted: boolean;
  compressedSize: number;
  /** As declared; only inflating it proves it. */
  size: number;
  /** Where its local header begins. */
  offset: number;
}

const END_SIGNATURE = 0x06054b50;
const END_LENGTH = 22;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_LENGTH = 46;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const END64_LOCATOR_LENGTH = 20;
const END64_SIGNATURE = 0x06064b50;
const END64_LENGTH = 56;
const ZIP64_EXTRA = 1;
/** A field with this value has its real one in the ZIP64 structures. */
const ELSEWHERE = 0xffffffff;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_LENGTH = 30;
const LONGEST_COMMENT = 0xffff;
/** An Office document has tens of entries, seldom thousands; more than this is not read. */
const LARGEST_DIRECTORY = 8 * 1024 * 1024;

export function beginsLikeZip(head: Uint8Array): boolean {
  return head.length >= 4 && viewOf(head).getUint32(0, true) === LOCAL_SIGNATURE;
}

/**
 * Reads the central directory, which stands at the end: neither the order of the entries, nor
 * large entries in front, nor sizes that follow their data hide anything from it.
 * @returns undefined if there is none that can be read whole (damaged, spanned or huge)
 */
export function readZipDirectory(reader: ByteReader): ZipEntry[] | undefined {
  const end = findEnd(reader);
  if (end === undefined) return undefined;
  const { count, length, offset } = end;
  if (length > LARGEST_DIRECTORY || offset + length > reader.size) return undefined;
  const entries = parseEntries(reader.read(offset, length));
  return entries?.length === count ? entries : undefined;
}

interface DirectoryPlace {
  count: number;
  length: number;
  offset: number;
}

function findEnd(reader: ByteReader): DirectoryPlace | undefined {
  const tailLength = Math.min(reader.size, END_LENGTH + LONGEST_COMMENT);
  const tail = reader.read(reader.size - tailLength, tailLength);
  const view = viewOf(tail);
  for (let at = tail.length - END_LENGTH; at >= 0; at -= 1) {
    if (view.getUint32(at, true) !== END_SIGNATURE) continue;
    if (at + END_LENGTH + view.getUint16(at + 20, true) !== tail.length) continue;
    const count = view.getUint16(at + 10, true);
    const onThisDisk = view.getUint16(at + 8, true);
    if (count !== onThisDisk) return undefined;
    return (
      findEnd64(reader, reader.size - tail.length + at) ?? {
        count,
        length: view.getUint32(at + 12, true),
        offset: view.getUint32(at + 16, true),
      }
    );
  }
  return undefined;
}

/** Some writers always add the ZIP64 end record (APPNOTE.TXT 4.3.14), whose values then count. */
function findEnd64(reader: ByteReader, end: number): DirectoryPlace | undefined {
  if (end < END64_LOCATOR_LENGTH) return undefined;
  const locator = viewOf(reader.read(end - END64_LOCATOR_LENGTH, END64_LOCATOR_LENGTH));
  if (locator.getUint32(0, true) !== END64_LOCATOR_SIGNATURE) return undefined;
  const record = reader.read(Number(locator.getBigUint64(8, true)), END64_LENGTH);
  const view = viewOf(record);
  if (record.length < END64_LENGTH || view.getUint32(0, true) !== END64_SIGNATURE) return undefined;
  return {
    count: Number(view.getBigUint64(32, true)),
    length: Number(view.getBigUint64(40, true)),
    offset: Number(view.getBigUint64(48, true)),
  };
}

function parseEntries(directory: Uint8Array): ZipEntry[] | undefined {
  const view = viewOf(directory);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < directory.length) {
    if (at + ENTRY_LENGTH > directory.length || view.getUint32(at, true) !== ENTRY_SIGNATURE) return undefined;
    const nameLength = view.getUint16(at + 28, true);
    const next = at + ENTRY_LENGTH + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > directory.length) return undefined;
    const extra = viewOf(directory.subarray(at + ENTRY_LENGTH + nameLength, next));
    entries.push({
      name: Buffer.from(directory.subarray(at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength)).toString('utf8'),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) === 1,
      ...placeOfEntry(view, at, extra),
    });
    at = next;
  }
  return entries;
}

/** The ZIP64 extra field (APPNOTE.TXT 4.5.3) holds, in this order, only what does not fit its own field. */
function placeOfEntry(
  view: DataView,
  at: number,
  extra: DataView,
): Pick<ZipEntry, 'size' | 'compressedSize' | 'offset'> {
  const values = zip64Values(extra);
  const real = (value: number): number => (value === ELSEWHERE ? (values.shift() ?? value) : value);
  const size = real(view.getUint32(at + 24, true));
  const compressedSize = real(view.getUint32(at + 20, true));
  return { size, compressedSize, offset: real(view.getUint32(at + 42, true)) };
}

function zip64Values(extra: DataView): number[] {
  const values: number[] = [];
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const end = Math.min(at + 4 + extra.getUint16(at + 2, true), extra.byteLength);
    if (extra.getUint16(at, true) === ZIP64_EXTRA) {
      for (let value = at + 4; value + 8 <= end; value += 8) values.push(Number(extra.getBigUint64(value, true)));
    }
    at = end;
  }
  return values;
}

/**
 * Where the data of an entry begins; undefined if its local header is missing or names another
 * entry, as in archives that show different content to different readers.
 */
export function entryDataOffset(reader: ByteReader, entry: ZipEntry): number | undefined {
  const header = reader.read(entry.offset, LOCAL_LENGTH);
  if (!beginsLikeZip(header) || header.length < LOCAL_LENGTH) return undefined;
  const view = viewOf(header);
  const nameLength = view.getUint16(26, true);
  const name = Buffer.from(reader.read(entry.offset + LOCAL_LENGTH, nameLength)).toString('utf8');
  if (name !== entry.name) return undefined;
  const start = entry.offset + LOCAL_LENGTH + nameLength + view.getUint16(28, true);
  return start + entry.compressedSize <= reader.size ? start : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
