import { type Command, Option } from 'commander';
import type { Expiry } from '../../catalog/catalog.ts';
import { parseTime } from '../../core/calendar.ts';
import { parseDuration } from '../../core/duration.ts';
import { AssetError } from '../../core/errors.ts';
import { parsedBy } from './values.ts';

export interface ExpiryOptions {
  /** Seconds. */
  expiresIn?: number;
  /** ISO 8601. */
  expiresAt?: string;
  never?: boolean;
}

/** No calendar of the catalog goes further. */
const LONGEST_LIFE_SECONDS = 1000 * 366 * 86_400;

export function addExpiryOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--expires-in <duration>', 'expires so long from now: 36h, 30d, 12w').argParser(parsedBy(parseLife)),
    )
    .addOption(new Option('--expires-at <time>', 'expires at this time').argParser(parsedBy(parseFutureTime)));
}

/**
 * What the options ask for; undefined if they ask for nothing.
 * @throws AssetError USAGE for two answers to one question
 */
export function toExpiry({ expiresIn, expiresAt, never }: ExpiryOptions): Expiry | undefined {
  const wishes: Expiry[] = [];
  if (expiresIn !== undefined) wishes.push({ kind: 'in', seconds: expiresIn });
  if (expiresAt !== undefined) wishes.push({ kind: 'at', time: expiresAt });
  if (never === true) wishes.push({ kind: 'never' });
  if (wishes.length < 2) return wishes[0];
  throw new AssetError('USAGE', 'An asset expires once', { hint: 'Give one of --expires-in, --expires-at, --never.' });
}

function parseLife(text: string): number {
  const seconds = parseDuration(text) / 1000;
  if (seconds >= 1 && seconds <= LONGEST_LIFE_SECONDS) return seconds;
  throw new AssetError('USAGE', `"${text}" is not a life that an asset can have`, {
    hint: 'Give at least 1s and at most 1000 years; leave it out for ever.',
  });
}

function parseFutureTime(text: string): string {
  const time = parseTime(text);
  if (Date.parse(time) > Date.now()) return time;
  throw new AssetError('USAGE', `"${text}" is in the past`, { hint: 'Give a time to come.' });
}
