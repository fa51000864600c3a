import { expect, test } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openAzureBackend } from '../../src/storage/azure/azure-backend.ts';

const MIB = 2 ** 20;
const NOWHERE = 'http://127.0.0.1:1';
const CONNECTION = `AccountName=acme;AccountKey=${Buffer.alloc(64).toString('base64')};BlobEndpoint=${NOWHERE}/acme`;

test.each([
  [600_000, 128],
  [60_000, 128],
  [15_000, 32],
])(
  'with a deadline of %i ms the service is asked for what it reads before that ends a silence: up to %i MiB',
  async (deadline, mib) => {
    const definition = {
      name: 'azure',
      provider: 'AZURE_BLOB',
      container: 'files',
      connectionString: CONNECTION,
    } as const;
    const backend = openAzureBackend(definition, { connect: 1000, deadline });
    const pull = (size: number) =>
      backend.pull?.({ url: `${NOWHERE}/source`, size, md5: '0'.repeat(32) }, parseStorageKey('key'));
    await expect(pull(mib * MIB)).rejects.toMatchObject({ kind: 'UNAVAILABLE' });
    await expect(pull(mib * MIB + 1)).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    await backend.close();
  },
);
