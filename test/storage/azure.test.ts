import { expect, it } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';
import { createAzureCaller } from '../../src/storage/azure/client.ts';
import { listNames } from '../../src/storage/azure/listing.ts';
import { createPartPool } from '../../src/storage/parts.ts';
import { createPrefix } from '../../src/storage/prefix.ts';
import { describeStorage, describeStorageWithPrefix } from '../conformance/storage.ts';
import { collect, memoryBody } from '../support/bodies.ts';
import { azureDefinition, openFreshAzure, plainUrl, TIMEOUTS } from '../support/cloud-stores.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';

await describeWithService('azure', 'Azure Blob Storage (azurite)', (azure) => {
  const traits = {
    plainUrl,
    multipartBytes: 8 * 1024 * 1024 + 100,
    listsByUtf16: true,
  };
  describeStorage('AZURE_BLOB', { open: () => openFreshAzure(azure), traits });
  describeStorageWithPrefix('AZURE_BLOB', { open: () => openFreshAzure(azure, 'some/prefix'), traits });

  // A page holds 5,000 names, more than the suite puts.
  it('goes on with a list where each page ended', async () => {
    const definition = azureDefinition(azure, await createBucket('azure'));
    const keys = ['a', 'b', 'c', 'd', 'e'].map((name) => parseStorageKey(name));
    const backend = openAzureBackend(definition, TIMEOUTS);
    for (const key of keys) await backend.put(key, memoryBody(key));
    await backend.close();
    const caller = createAzureCaller(definition, TIMEOUTS);
    const store = { name: 'azure', azure: caller, prefix: createPrefix(undefined), pool: createPartPool() };
    const listed = await collect(listNames(store, { maxresults: '2' }));
    expect(listed.map(({ name }) => name)).toEqual(keys);
    await caller.close();
  });
});
