import { STORAGE_PROVIDERS, type StorageProvider } from '../../core/asset.ts';
import type { Setup, StoreDraft } from '../context/setup.ts';
import type { Questions } from './questions.ts';
import { absolute, checkKeys, DEFAULT_NAMES, defaultsFor, regionFor, type StoreOptions } from './store-options.ts';

const LABELS: Readonly<Record<StorageProvider, string>> = {
  LOCAL: 'a directory of this machine',
  AWS_S3: 'Amazon S3, or another store that speaks it (R2, MinIO, Ceph, Wasabi)',
  GOOGLE_CLOUD_STORAGE: 'Google Cloud Storage',
  AZURE_BLOB: 'Azure Blob Storage',
};

/** Asks for what flags did not say. `earlier` is an answer that turned out wrong: it is offered again. */
export async function askStore(
  questions: Questions,
  setup: Setup,
  given: StoreOptions,
  name: string | undefined,
  earlier: StoreDraft | undefined,
): Promise<StoreDraft> {
  const provider =
    given.provider ??
    (await questions.choose(
      'Where should files live?',
      STORAGE_PROVIDERS.map((value) => ({ value, name: LABELS[value] })),
      earlier?.provider ?? setup.found.provider,
    ));
  checkKeys(provider, given);
  // A region depends on the profile that is yet to be chosen.
  const { region: _, ...defaults } = defaultsFor(provider, setup, given);
  const known = { ...defaults, ...(earlier?.provider === provider ? earlier : {}) };
  const asked = await ASK[provider]({ questions, setup, given, known });
  const called =
    name ?? (await questions.text('A name for this backend?', { known: earlier?.name ?? DEFAULT_NAMES[provider] }));
  return { ...absolute(asked, setup), provider, name: called };
}

interface Asking {
  questions: Questions;
  setup: Setup;
  given: StoreOptions;
  known: StoreOptions;
}

type Asked = StoreOptions & { usesConnectionString?: boolean };

const ASK: Readonly<Record<StorageProvider, (asking: Asking) => Promise<Asked>>> = {
  LOCAL: async ({ questions, given, known }) => ({
    path: given.path ?? (await questions.text('Which directory?', { known: known.path })),
  }),
  AWS_S3: askS3,
  GOOGLE_CLOUD_STORAGE: askGcs,
  AZURE_BLOB: askAzure,
};

async function askS3({ questions, setup, given, known }: Asking): Promise<Asked> {
  const profile = given.profile ?? (await chooseProfile(questions, setup, known.profile));
  const endpoint =
    given.endpoint ?? (await questions.optionalText('Its endpoint? (empty: Amazon S3 itself)', known.endpoint));
  const bucket = given.bucket ?? (await questions.text('Which bucket?', { known: known.bucket }));
  const likely = known.region ?? regionFor(profile, setup, endpoint);
  const region = given.region ?? (await questions.text('In which region?', { known: likely ?? 'us-east-1' }));
  return { profile, endpoint, bucket, region, prefix: await askPrefix(questions, given, known) };
}

async function chooseProfile(questions: Questions, { found }: Setup, known: string | undefined) {
  const { profiles, hasKeys } = found.s3;
  if (profiles.length === 0) return undefined;
  const chain = hasKeys ? 'AWS_ACCESS_KEY_ID of the environment' : "AWS's own chain (variables, default profile, role)";
  const choices = [
    { value: '', name: chain },
    ...profiles.map(({ name, region }) => ({
      value: name,
      name: `profile ${name}${region === undefined ? '' : ` (${region})`}`,
    })),
  ];
  const chosen = await questions.choose('With which AWS credentials?', choices, known ?? '');
  return chosen === '' ? undefined : chosen;
}

async function askGcs({ questions, setup, given, known }: Asking): Promise<Asked> {
  const credentialsFile = given.credentialsFile ?? (await chooseKeyFile(questions, setup, known.credentialsFile));
  const bucket = given.bucket ?? (await questions.text('Which bucket?', { known: known.bucket }));
  const { endpoint } = given;
  return { credentialsFile, bucket, endpoint, prefix: await askPrefix(questions, given, known) };
}

async function chooseKeyFile(questions: Questions, { found }: Setup, known: string | undefined) {
  const { defaultCredentials } = found.gcs;
  const chosen = await questions.choose(
    'With which Google credentials?',
    [
      {
        value: 'default',
        name: defaultCredentials ?? "Google's own chain (gcloud, workload identity, metadata server)",
      },
      { value: 'file', name: 'a key file' },
    ],
    known === undefined ? 'default' : 'file',
  );
  return chosen === 'default' ? undefined : questions.text('Which key file?', { known });
}

async function askAzure({ questions, setup, given, known }: Asking): Promise<Asked> {
  const usesConnectionString = given.account === undefined && (await chooseConnectionString(questions, setup));
  const account = usesConnectionString
    ? undefined
    : (given.account ?? (await questions.text('Which storage account?', { known: known.account })));
  const container = given.container ?? (await questions.text('Which container?', { known: known.container }));
  const { endpoint } = given;
  return { usesConnectionString, account, container, endpoint, prefix: await askPrefix(questions, given, known) };
}

async function chooseConnectionString(questions: Questions, { found }: Setup): Promise<boolean> {
  if (!found.azure.hasConnectionString) return false;
  const choices = [
    { value: 'string', name: 'AZURE_STORAGE_CONNECTION_STRING of the environment' },
    { value: 'chain', name: "Azure's own chain (variables, workload or managed identity, az login)" },
  ];
  return (await questions.choose('With which Azure credentials?', choices, 'string')) === 'string';
}

async function askPrefix(questions: Questions, given: StoreOptions, known: StoreOptions): Promise<string | undefined> {
  return given.prefix ?? questions.optionalText('A prefix for every key? (empty: none)', known.prefix);
}
