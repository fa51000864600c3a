import * as z from 'zod/mini';
import { backends } from './backends.ts';
import { cdn, content, images } from './content.ts';
import { identity } from './identity.ts';
import { databaseUrl, key, words } from './kinds.ts';
import { assetTypes, leases, limits, retention, timeouts, trash } from './limits.ts';
import { scan } from './scan.ts';
import { serve } from './serve.ts';

/** The whole configuration file: one entry a section. */
export const fileSchema = z.strictObject({
  $schema: key(z.string(), 'The JSON Schema of this file, for editors.'),
  database: key(
    databaseUrl(),
    'The catalog: sqlite:<path> or postgres://<user>@<host>/<database>.',
    'sqlite:<data directory>/assets.db',
  ),
  defaultBackend: key(words(), 'The backend in which uploads are stored; needed where there are several.'),
  backends,
  identity,
  assetTypes,
  limits,
  images,
  content,
  cdn,
  scan,
  serve,
  timeouts,
  leases,
  retention,
  trash,
});

/** A checked file, its durations and sizes read. */
export type FileConfig = z.infer<typeof fileSchema>;
