import { randomUUID } from 'node:crypto';

/** Of what is never shown cut short. */
const SHARED_DIGITS = 8;
/** Of an asset's id this many digits are shown where there is little room, and have to tell it from the others. */
const SHOWN_DIGITS = 8;
const SHARED_OF_SHOWN = 3;

/**
 * Makes random UUIDs (v4) for what is written together, which begin alike: they lie beside each other in every index,
 * whose pages are read and written once for all of them, and are spread over a store like any others.
 */
export function neighbouringUuids(sharedDigits = SHARED_DIGITS): () => string {
  const shared = randomUUID().slice(0, sharedDigits);
  return () => `${shared}${randomUUID().slice(sharedDigits)}`;
}

/** The same for at most some thousand ids, no two of which agree in the digits that are shown. */
export function neighbouringAssetIds(): () => string {
  const next = neighbouringUuids(SHARED_OF_SHOWN);
  const shown = new Set<string>();
  return function newId(): string {
    const id = next();
    const digits = id.slice(0, SHOWN_DIGITS);
    if (shown.has(digits)) return newId();
    shown.add(digits);
    return id;
  };
}
