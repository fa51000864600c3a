import { AssetError } from '../core/errors.ts';
import { isUuid } from './rows.ts';

/** What a page ended with: the values that its order compares. */
export type CursorValues = readonly (string | number)[];

/** What a value of a cursor is. Of a word that somebody made up PostgreSQL would refuse what SQLite compares as text. */
export type CursorKind = 'text' | 'int' | 'time' | 'uuid';

const IS_OF_KIND: Readonly<Record<CursorKind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string' && value.isWellFormed() && !value.includes('\0'),
  int: (value) => Number.isSafeInteger(value),
  time: isTime,
  uuid: (value) => typeof value === 'string' && isUuid(value),
};

/** In the one form that is stored. Date takes 31 February for 3 March, and knows a year 0. */
function isTime(value: unknown): boolean {
  const time = typeof value === 'string' && /^(?!0000)\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString() === value;
}

/** An opaque word for "after this row of this list". `list` names the list and its order. */
export function encodeCursor(list: string, values: CursorValues): string {
  return Buffer.from(JSON.stringify([list, ...values])).toString('base64url');
}

/**
 * @param kinds What the list's order compares, in its order.
 * @throws AssetError USAGE for a word that this list did not give
 */
export function decodeCursor(list: string, kinds: readonly CursorKind[], cursor: string): CursorValues {
  const parsed = parse(cursor);
  const fits =
    Array.isArray(parsed) &&
    parsed.length === kinds.length + 1 &&
    parsed[0] === list &&
    kinds.every((kind, index) => IS_OF_KIND[kind](parsed[index + 1]));
  if (!fits) {
    throw new AssetError('USAGE', 'this cursor does not belong to this list', {
      hint: 'Pass the cursor that came with the page before, and the same options.',
    });
  }
  return parsed.slice(1);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // Anything that is not ours is refused alike by the caller.
    return undefined;
  }
}
