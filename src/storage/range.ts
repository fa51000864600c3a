import { StorageError } from './storage-error.ts';

/**
 * What a requested range means for an object of that size: `end` is clamped.
 * @throws StorageError INTEGRITY if it starts beyond the object: fewer bytes are stored than was believed
 */
export function resolveRange(
  range: { start: number; end?: number } | undefined,
  size: number,
  context: { backend: string; key: string },
): { start: number; length: number } {
  if (range === undefined) return { start: 0, length: size };
  if (range.start >= size) throw rangeBeyondObject(context);
  const end = Math.min(range.end ?? size - 1, size - 1);
  return { start: range.start, length: end - range.start + 1 };
}

export function rangeBeyondObject(context: { backend: string; key: string; cause?: unknown }): StorageError {
  return new StorageError('INTEGRITY', 'the object has fewer bytes than the range asks for', context);
}
