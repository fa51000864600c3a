import * as z from 'zod/mini';
import { ASSET_TYPE_PATTERN } from '../../core/asset.ts';
import { DEFAULT_ALLOWED_MIME_TYPES } from '../defaults.ts';
import { assetType, duration, key, mimeType, size, truth } from './kinds.ts';

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

/** Long enough for any archive, short enough for any calendar. */
const LONGEST_LIFE = '5200w';

export const retention = key(
  z.record(z.string().check(z.regex(ASSET_TYPE_PATTERN)), duration('1s', LONGEST_LIFE)),
  'How long new assets live, by type; a type that is not named lives for ever.',
  {},
);

export const trash = key(
  z.strictObject({
    enabled: key(truth(), 'delete moves assets to the trash, unless --no-trash says otherwise.', false),
    retention: key(duration('1s', LONGEST_LIFE), 'How long the trash keeps an asset that can be restored.', '7d'),
  }),
  'Assets that were deleted, but can be restored for a while.',
);

export const leases = key(
  z.strictObject({
    duration: key(duration('1s', '1d'), 'How long work belongs to a process that no longer answers.', '30s'),
  }),
  'Claims on work under way.',
);
