import { StorageError } from './storage-error.ts';

// The limit of S3, GCS and Azure user delegation keys alike.
const LONGEST_SECONDS = 7 * 24 * 60 * 60;

/** @throws StorageError UNSUPPORTED, before any call */
export function checkLifetime(seconds: number, context: { backend: string; key: string }): void {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST_SECONDS) return;
  throw new StorageError('UNSUPPORTED', 'a signed URL lasts between one second and seven days', context);
}
