import { describeStorage, describeStorageWithPrefix } from '../conformance/storage.ts';
import { openFreshS3, plainUrl } from '../support/cloud-stores.ts';
import { describeWithService } from '../support/services/index.ts';

await describeWithService('s3', 'Amazon S3 (versitygw)', (s3) => {
  const traits = {
    plainUrl,
    multipartBytes: 8 * 1024 * 1024 + 100,
    keysAreDirectories: true,
  };
  describeStorage('AWS_S3', { open: () => openFreshS3(s3), traits });
  describeStorageWithPrefix('AWS_S3', { open: () => openFreshS3(s3, 'some/prefix'), traits });
});
