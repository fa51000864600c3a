import { MARKER_KEY } from '../core/marker-key.ts';
import { parseStorageKey, type StorageKey } from '../core/storage-key.ts';

/** Where a backend's keys lie inside a bucket or container that it may share. */
export interface KeyPrefix {
  /** Empty, or ending with `/`. */
  readonly text: string;
  /** The full name of a key. */
  add(key: string): string;
  /** The key of a full name; undefined for one that no key can have. */
  remove(name: string): StorageKey | undefined;
  /** The full name of the marker of a store around this one; undefined if no such object is there. */
  enclosingMarker(isThere: (name: string) => Promise<boolean>): Promise<string | undefined>;
}

export function createPrefix(configured: string | undefined): KeyPrefix {
  const segments = (configured ?? '').split('/').filter((segment) => segment !== '');
  const text = segments.length === 0 ? '' : `${segments.join('/')}/`;

  return {
    text,
    add: (key) => `${text}${key}`,
    remove: (name) => (name.startsWith(text) ? keyOf(name.slice(text.length)) : undefined),

    async enclosingMarker(isThere) {
      for (const count of segments.keys()) {
        const name = [...segments.slice(0, count), MARKER_KEY].join('/');
        if (await isThere(name)) return name;
      }
      return undefined;
    },
  };
}

function keyOf(text: string): StorageKey | undefined {
  try {
    return parseStorageKey(text);
  } catch {
    // Someone else's object, under a name that asset-cli never gives.
    return undefined;
  }
}
