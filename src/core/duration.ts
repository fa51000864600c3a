import { AssetError } from './errors.ts';

const UNIT_MILLISECONDS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNIT_MILLISECONDS;

/**
 * Reads `90s 15m 36h 30d 12w` as milliseconds.
 * @throws AssetError USAGE
 */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text.trim());
  if (match === null) {
    throw new AssetError('USAGE', `"${text}" is not a duration`, {
      hint: 'Write a whole number and a unit: 90s, 15m, 36h, 30d or 12w.',
    });
  }
  const [, count, unit] = match;
  return Number(count) * UNIT_MILLISECONDS[unit as Unit];
}

/** Writes milliseconds with the largest unit that divides them: 86400000 is `1d`. */
export function formatDuration(milliseconds: number): string {
  const units = Object.entries(UNIT_MILLISECONDS).reverse();
  for (const [unit, size] of units) {
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return `${Math.round(milliseconds / 100) / 10}s`;
}
