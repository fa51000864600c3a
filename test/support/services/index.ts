/**
 * Real servers for tests.
 *
 *   const s3 = await service('s3');            // { url, region, accessKeyId, … } or { skip: reason }
 *   await describeWithService('s3', 'the S3 backend', (s3) => { test(…) });
 *   const bucket = await createBucket('s3');   // a fresh one; also 'gcs', and 'azure' for a container
 *   const url = await createDatabase();        // postgres://…/<fresh database>, dropped after the test
 *   const { url } = await createCatalogDatabase();   // with an empty catalog, by the everyday login
 *
 * A service is the one that ASSET_CLI_TEST_<NAME> names, else one that is started when the first test
 * file of the run asks for it, on a free loopback port in a temporary folder, shared by all files and
 * ended with the run. Tests share it: each works in a bucket, container or database of its own.
 *
 * Where a service cannot be had, its tests are skipped and one line says why and how to get it; with
 * CI=true they fail.
 */
import { describe, inject, test } from 'vitest';
import { askServicePool } from './coordinator.ts';
import type { ServiceName, Services, Skip } from './definitions.ts';

export type { ServiceName, Services, Skip } from './definitions.ts';
export { createBucket, createCatalogDatabase, createDatabase } from './fresh.ts';

export function service<Name extends ServiceName>(name: Name): Promise<Services[Name] | Skip> {
  return askServicePool(inject('servicesSocket'), name);
}

/** Like `describe`, for tests that need a service. Await it at the top of a file. */
export async function describeWithService<Name extends ServiceName>(
  name: Name,
  title: string,
  define: (service: Services[Name]) => void,
): Promise<void> {
  const found = await service(name);
  if (!('skip' in found)) {
    describe(title, () => define(found));
    return;
  }
  const { skip } = found;
  test.skipIf(process.env['CI'] !== 'true')(`${title} (needs ${name})`, () => {
    throw new Error(skip);
  });
}
