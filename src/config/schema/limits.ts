import * as z from 'zod/mini';
import { DEFAULT_ALLOWED_MIME_TYPES } from '../defaults.ts';
import { assetType, duration, key, mimeType, size } from './kinds.ts';

export const limits = key(
  z.strictObject({
    maxFileSize: key(size(), 'The largest file that is stored.', '50MiB'),
    allowedMimeTypes: key(
      z.array(mimeType()).check(z.minLength(1)),
      'The types that are stored, in place of the default ones.',
      DEFAULT_ALLOWED_MIME_TYPES,
    ),
  }),
  'What may be stored.',
);

export const assetTypes = key(z.array(assetType()), 'Asset types beside the built-in ones.', []);

export const timeouts = key(
  z.strictObject({
    connect: key(duration('1s', '1h'), 'For a connection to be made.', '10s'),
    deadline: key(duration('1s', '1d'), 'For a call to a store with all its retries.', '60s'),
  }),
  'How long stores and databases are waited for.',
);

export const leases = key(
  z.strictObject({
    duration: key(duration('1s', '1d'), 'How long work belongs to a process that no longer answers.', '30s'),
  }),
  'Claims on work under way.',
);
