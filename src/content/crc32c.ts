/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), slicing by 16: 16 bytes a step by 16 tables.
 * Own code because the libraries that do it without a native build are several times slower
 * (docs/decisions/0020-own-crc32c.md).
 */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;
const TABLE_SIZE = 256;

let tables: Int32Array | undefined;

/** Table k (at k * 256) holds the CRC of each byte followed by k zero bytes. */
function sliceTables(): Int32Array {
  if (tables !== undefined) return tables;
  const made = new Int32Array(SLICES * TABLE_SIZE);
  for (let byte = 0; byte < TABLE_SIZE; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    made[byte] = crc;
  }
  for (let index = TABLE_SIZE; index < made.length; index += 1) {
    const before = made[index - TABLE_SIZE] ?? 0;
    made[index] = (before >>> 8) ^ (made[before & 0xff] ?? 0);
  }
  tables = made;
  return made;
}

/** CRC-32C over chunks. */
export class Crc32c {
  #crc = -1;

  update(bytes: Uint8Array): this {
    this.#crc = extend(this.#crc, bytes, sliceTables());
    return this;
  }

  /** Eight lower-case hex digits, most significant byte first. */
  digest(): string {
    return (~this.#crc >>> 0).toString(16).padStart(8, '0');
  }
}

function extend(start: number, bytes: Uint8Array, t: Int32Array): number {
  let crc = start;
  let at = 0;
  const fast = bytes.length - (bytes.length % SLICES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  while (at < fast) {
    const a = crc ^ view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    crc =
      look(t, 15, a) ^
      look(t, 14, a >>> 8) ^
      look(t, 13, a >>> 16) ^
      look(t, 12, a >>> 24) ^
      look(t, 11, b) ^
      look(t, 10, b >>> 8) ^
      look(t, 9, b >>> 16) ^
      look(t, 8, b >>> 24) ^
      look(t, 7, c) ^
      look(t, 6, c >>> 8) ^
      look(t, 5, c >>> 16) ^
      look(t, 4, c >>> 24) ^
      look(t, 3, d) ^
      look(t, 2, d >>> 8) ^
      look(t, 1, d >>> 16) ^
      look(t, 0, d >>> 24);
    at += SLICES;
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ look(t, 0, crc ^ (bytes[at] ?? 0));
  return crc;
}

function look(t: Int32Array, slice: number, value: number): number {
  return t[(slice << 8) | (value & 0xff)] ?? 0;
}
