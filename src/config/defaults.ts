/** Types that the specification allows; kept apart from the schema, so that a run without a file loads no validator. */
export const DEFAULT_ALLOWED_MIME_TYPES = [
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
  'application/pdf',
  'text/plain',
  'text/csv',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
] as const;

export const DEFAULT_MAX_FILE_SIZE = 50 * 2 ** 20;
export const DEFAULT_CONNECT_TIMEOUT = 10_000;
export const DEFAULT_DEADLINE = 60_000;
export const DEFAULT_LEASE = 30_000;
export const DEFAULT_TRASH_RETENTION = 7 * 86_400_000;
export const DEFAULT_CLAMD = { host: '127.0.0.1', port: 3310 } as const;
export const DEFAULT_PUBLIC_URL = 'http://127.0.0.1:8080';
/** Requests a minute. */
export const DEFAULT_RATE_LIMIT = 6000;
export const DEFAULT_ORGANIZATION = 'default';

/** The store in the data directory, where neither a file nor the environment defines any. */
export const BUILT_IN_BACKEND = 'local';
/** The store that the specification's environment variables define. */
export const ENVIRONMENT_BACKEND = 'default';
