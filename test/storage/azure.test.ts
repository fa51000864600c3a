import { describeStorage, describeStorageWithPrefix } from '../conformance/storage.ts';
import { openFreshAzure, plainUrl } from '../support/cloud-stores.ts';
import { describeWithService } from '../support/services/index.ts';

await describeWithService('azure', 'Azure Blob Storage (azurite)', (azure) => {
  const traits = {
    plainUrl,
    multipartBytes: 8 * 1024 * 1024 + 100,
    listsByUtf16: true,
  };
  describeStorage('AZURE_BLOB', { open: () => openFreshAzure(azure), traits });
  describeStorageWithPrefix('AZURE_BLOB', { open: () => openFreshAzure(azure, 'some/prefix'), traits });
});
