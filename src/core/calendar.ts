import { AssetError } from './errors.ts';

const FIRST_TIME = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * An ISO 8601 time, in UTC where it names no zone, in the one form that is stored, so that texts compare as times do.
 * Outside of the years 1 to 9999 of UTC that form has a sign, with which a text comes before every other time; PostgreSQL
 * does not read it.
 * @throws AssetError USAGE
 */
export function parseTime(text: string): string {
  const match = ISO_TIME.exec(text);
  const zoned = match?.[1] !== undefined && match[4] === undefined ? `${text}Z` : text;
  const time = new Date(zoned);
  const isKept = time.getTime() >= FIRST_TIME && time.getTime() <= LAST_TIME;
  if (match === null || !isKept || !isInCalendar(text.slice(0, 10))) {
    throw new AssetError('USAGE', `"${text}" is not a time of the years 1 to 9999 of UTC`, {
      hint: 'Write ISO 8601: 2026-11-24, 2026-11-24T18:00:00Z or 2026-11-24T18:00:00+01:00.',
    });
  }
  return time.toISOString();
}

/** Date takes 31 February for 3 March. */
function isInCalendar(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
