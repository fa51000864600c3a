import * as z from 'zod/mini';
import { azureConnection, endpoint, key, path, prefix, requiredKey, text, truth, words } from './kinds.ts';

const local = z.strictObject({
  provider: z.literal('LOCAL'),
  path: key(path(), "A directory; the data directory's storage/ if it is left out."),
});

const s3 = z.strictObject({
  provider: z.literal('AWS_S3'),
  bucket: requiredKey(
    text({
      title: 'bucket name',
      pattern: /^(?:[A-Za-z0-9][A-Za-z0-9._-]{1,254}|arn:[^\s]+)$/,
      problem: 'is not a bucket name',
      hint: 'Write the name alone; what follows it in an address goes into "prefix".',
    }),
    'The bucket.',
  ),
  region: key(words(), "The region; else that of the provider's own chain (AWS_REGION, profile)."),
  endpoint: key(endpoint(), 'The address of another store that speaks S3.'),
  forcePathStyle: key(truth(), 'Put the bucket into the path of an address, as many such stores need.', false),
  prefix: key(prefix(), 'What every key in the bucket begins with.'),
  profile: key(words(), 'A profile of the shared AWS configuration.'),
});

const gcs = z.strictObject({
  provider: z.literal('GOOGLE_CLOUD_STORAGE'),
  bucket: requiredKey(
    text({
      title: 'bucket name',
      pattern: /^[a-z0-9][a-z0-9._-]{1,221}$/,
      problem: 'is not a bucket name',
      hint: 'Write the name alone, without gs://; what follows it goes into "prefix".',
    }),
    'The bucket.',
  ),
  credentialsFile: key(path(), 'A key file; else the application default credentials.'),
  apiEndpoint: key(endpoint(), 'The address of another store that speaks the same protocol.'),
  projectId: key(words(), 'The project; else that of the credentials.'),
  prefix: key(prefix(), 'What every key in the bucket begins with.'),
});

const azure = z.strictObject({
  provider: z.literal('AZURE_BLOB'),
  account: key(
    text({
      title: 'account name',
      pattern: /^[a-z0-9]{3,24}$/,
      problem: 'is not a storage account name',
      hint: 'Use 3 to 24 small letters and digits.',
    }),
    'The storage account.',
  ),
  container: requiredKey(
    text({
      title: 'container name',
      pattern: /^(?:\$root|(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*)$/,
      problem: 'is not a container name',
      hint: 'Use 3 to 63 small letters, digits and single dashes.',
    }),
    'The container.',
  ),
  connectionString: key(
    azureConnection(),
    'Account, keys and endpoint in one: a secret, to be taken from the environment.',
  ),
  endpoint: key(endpoint(), 'The address of the blob service, where it is not the public one.'),
  prefix: key(prefix(), 'What every key in the container begins with.'),
});

const backend = z.discriminatedUnion('provider', [local, s3, gcs, azure]);

/** Backend names stand in options and in the catalog. */
export const backends = key(
  z.record(z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)), backend),
  'The stores, by names of your choice.',
);

/** A backend as the file has it, checked; its paths are still relative to the file. */
export type FileBackend = z.infer<typeof backend>;
