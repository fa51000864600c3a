import { randomUUID } from 'node:crypto';

/** As far as an id is never cut short. */
const SHARED_DIGITS = 8;

/**
 * Makes random UUIDs (v4) for what is written together, which begin alike: they lie beside each other in every index,
 * whose pages are read and written once for all of them, and are spread over a store like any others.
 */
export function neighbouringUuids(sharedDigits = SHARED_DIGITS): () => string {
  const shared = randomUUID().slice(0, sharedDigits);
  return () => `${shared}${randomUUID().slice(sharedDigits)}`;
}
