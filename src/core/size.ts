import { AssetError } from './errors.ts';

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * Reads bytes, `64KiB`, `50MiB`, `2GB` as bytes.
 * @throws AssetError USAGE
 */
export function parseSize(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?i?b?)$/i.exec(text.trim());
  const unit = UNIT_BYTES[(match?.[2] ?? '?').toLowerCase()];
  const bytes = match === null || unit === undefined ? Number.NaN : Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(bytes)) {
    throw new AssetError('USAGE', `"${text}" is not a size`, {
      hint: 'Write bytes, or a number with KiB, MiB, GiB, KB, MB or GB: 64KiB, 50MiB, 2GB.',
    });
  }
  return bytes;
}

/** The subject of a sentence about them. */
export function bytesAre(count: number): string {
  return count === 1 ? '1 byte is' : `${count} bytes are`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Writes bytes for people: 1536 is `1.5 KiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let index = 0;
  // what would be shown as 1024 is one of the next unit
  while (Math.round(value) >= 1024 && index < UNITS.length - 1) {
    value /= 1024;
    index += 1;
  }
  const digits = index === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[index]}`;
}
