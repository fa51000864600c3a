import { DEFAULT_RATE_LIMIT } from './defaults.ts';
import type { FileConfig } from './schema/file.ts';
import type { ServeSettings } from './settings.ts';

export function resolveServe(file: FileConfig['serve']): ServeSettings {
  return {
    publicUrl: file?.publicUrl?.replace(/\/+$/, ''),
    signingKeys: file?.signingKey ?? [],
    rateLimit: file?.rateLimit ?? DEFAULT_RATE_LIMIT,
    corsOrigins: file?.corsOrigins ?? [],
  };
}
