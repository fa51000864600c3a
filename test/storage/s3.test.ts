import { describeStorage } from '../conformance/storage.ts';
import { openFreshS3 } from '../support/cloud-stores.ts';
import { describeWithService } from '../support/services/index.ts';

await describeWithService('s3', 'Amazon S3 (versitygw)', (s3) => {
  const traits = { multipartBytes: 2 * 16 * 1024 * 1024 + 1, keysAreDirectories: true };
  describeStorage('AWS_S3', { open: () => openFreshS3(s3), traits });
  describeStorage('AWS_S3 with a prefix', { open: () => openFreshS3(s3, 'some/prefix'), traits });
});
