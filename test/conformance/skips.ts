import { it } from 'vitest';
import type { ServerDuty, StorageTraits } from './storage.ts';

/** A test that the server may be unable to pass; the reason becomes part of the skipped test's name. */
export function itUnless(traits: StorageTraits, duty: ServerDuty, name: string, test: () => Promise<void>): void {
  const reason = traits.serverLacks?.[duty];
  if (reason === undefined) it(name, test);
  else it.skip(`${name} (${reason})`, test);
}
