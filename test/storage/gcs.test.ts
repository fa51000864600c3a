import { describeStorage, describeStorageWithPrefix } from '../conformance/storage.ts';
import { openFreshGcs, plainUrl } from '../support/cloud-stores.ts';
import { describeWithService } from '../support/services/index.ts';

await describeWithService('gcs', 'Google Cloud Storage (fake-gcs-server)', (gcs) => {
  const traits = {
    plainUrl,
    multipartBytes: 8 * 1024 * 1024 + 100,
    serverLacks: { signatures: 'fake-gcs-server does not check signatures; see gcs-signature.test.ts' },
  };
  describeStorage('GOOGLE_CLOUD_STORAGE', { open: () => openFreshGcs(gcs), traits });
  describeStorageWithPrefix('GOOGLE_CLOUD_STORAGE', { open: () => openFreshGcs(gcs, 'some/prefix'), traits });
});
