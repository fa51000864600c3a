import type { StorageBackend } from '../../src/storage/backend.ts';
import type { S3Definition, StorageTimeouts } from '../../src/storage/definition.ts';
import { openS3Backend } from '../../src/storage/s3/s3-backend.ts';
import { createBucket, type Services } from './services/index.ts';

export const TIMEOUTS: StorageTimeouts = { connect: 2000, deadline: 8000 };

/** Where the providers' own chains find who we are. Vitest gives each test file an environment of its own. */
export function useS3Credentials(s3: Services['s3']): void {
  process.env['AWS_ACCESS_KEY_ID'] = s3.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretAccessKey;
}

export function s3Definition(s3: Services['s3'], bucket: string, prefix?: string): S3Definition {
  return { name: 's3', provider: 'AWS_S3', bucket, endpoint: s3.url, region: s3.region, forcePathStyle: true, prefix };
}

/** A fresh bucket behind the bare backend. */
export async function openFreshS3(s3: Services['s3'], prefix?: string): Promise<StorageBackend> {
  useS3Credentials(s3);
  return openS3Backend(s3Definition(s3, await createBucket('s3'), prefix), TIMEOUTS);
}
