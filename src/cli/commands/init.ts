import { type Command, InvalidArgumentError, Option } from 'commander';
import { STORAGE_PROVIDERS, type StorageProvider } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import type { DoctorCheck } from '../../operations/stores/doctor.ts';
import type { Bind, Invocation } from '../command.ts';
import type { Setup } from '../context/setup.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { askDatabase, databaseFrom } from '../init/ask-database.ts';
import { askStore } from '../init/ask-store.ts';
import { createQuestions, type Questions } from '../init/questions.ts';
import { reportInit } from '../init/report.ts';
import { type StoreOptions, storeFromOptions } from '../init/store-options.ts';
import { chooseTarget, writeConfiguration } from '../init/target.ts';
import { type Settled, settle, tryDatabase, tryStore } from '../init/try-out.ts';
import { suggest } from '../options/values.ts';
import { canAsk } from '../output/ask.ts';
import { renderCheck } from '../output/checks.ts';
import { BASE_FORMATS } from '../output/format.ts';

type InitOptions = StoreOptions & { userWide?: boolean; force?: boolean; yes?: boolean };

const EXAMPLES = `
Asks where the configuration, the catalog (--database) and the files should live, offering what it
finds in the environment and in profiles, and tests each answer at once as doctor does. What an
option says is not asked. Secrets stay in the environment. --backend names the new backend.

Examples:
  $ asset-cli init
  $ asset-cli init --yes --provider LOCAL --path ./storage
  $ asset-cli init --yes --provider AWS_S3 --bucket acme-reports --region eu-west-1 --backend reports
  $ asset-cli init --yes --database postgres://assets@db.internal/assets --provider AZURE_BLOB \\
      --account acme --container archive
`;

const SHORT: Readonly<Record<string, StorageProvider>> = {
  S3: 'AWS_S3',
  GCS: 'GOOGLE_CLOUD_STORAGE',
  AZURE: 'AZURE_BLOB',
};

export function configure(command: Command, bind: Bind): void {
  const provider = new Option('--provider <provider>', `${STORAGE_PROVIDERS.join(', ')} (default: LOCAL)`);
  command
    .addOption(suggest(provider.argParser(parseProvider), STORAGE_PROVIDERS))
    .option('--path <directory>', 'LOCAL: where the files are (default: in the data directory)')
    .option('--bucket <name>', 'AWS_S3, GOOGLE_CLOUD_STORAGE: the bucket; it has to exist')
    .option('--region <region>', 'AWS_S3: the region of the bucket')
    .option('--profile <name>', 'AWS_S3: a profile of the shared AWS configuration')
    .option('--endpoint <url>', 'the address of another store that speaks the same protocol')
    .option('--credentials-file <file>', 'GOOGLE_CLOUD_STORAGE: a key file')
    .option('--account <name>', 'AZURE_BLOB: the storage account (default: the connection string’s)')
    .option('--container <name>', 'AZURE_BLOB: the container; it has to exist')
    .option('--prefix <prefix>', 'what every key in the bucket or container begins with')
    .option('--user-wide', 'write the configuration of this user, not that of this directory')
    .option('--force', 'replace a configuration that exists')
    .option('--yes', 'ask nothing: options and defaults are the answers')
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runInit);
}

function parseProvider(text: string): StorageProvider {
  const upper = text.toUpperCase();
  const found = STORAGE_PROVIDERS.find((each) => each === upper) ?? SHORT[upper];
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It is one of ${STORAGE_PROVIDERS.join(', ')}.`);
}

async function runInit(invocation: Invocation, options: InitOptions): Promise<number> {
  const { globals, streams, signal } = invocation;
  const { userWide = false, force = false, yes = false, ...store } = options;
  const questions = yes || !canAsk(streams, globals.input) ? undefined : createQuestions(streams, signal);
  if (questions === undefined && !yes) {
    throw new AssetError('CONFIRMATION_REQUIRED', 'Nobody can be asked here', {
      hint: 'Answer by options, and say so with --yes.',
    });
  }
  const setup = await invocation.setup();
  // What is wrong with the options is said before anything is tested.
  if (questions === undefined) storeFromOptions(store, setup, globals.backend);
  const named = globals.config ?? setup.environment['ASSET_CLI_CONFIG'];
  const target = await chooseTarget(setup, { named: named === '' ? undefined : named, userWide, force }, questions);
  const database = await settleDatabase(invocation, setup, target.path, questions);
  const settled = await settleStore(
    invocation,
    { setup, path: target.path, database: database.answer, store },
    questions,
  );
  if (questions !== undefined && !(await questions.confirm(`Write ${target.path}?`, true))) {
    throw new AssetError('CONFIRMATION_REQUIRED', 'Nothing was written', { hint: 'You answered no.' });
  }
  writeConfiguration(target, setup.render({ database: database.answer.url, store: settled.answer }));
  await reportInit(invocation.output, setup, { target, database, store: settled });
  return EXIT_OK;
}

type Database = Settled<ReturnType<typeof databaseFrom>>;

function settleDatabase(
  invocation: Invocation,
  setup: Setup,
  path: string,
  questions: Questions | undefined,
): Promise<Database> {
  const given = invocation.globals.database;
  return settle({
    tryOut: tryDatabase(setup, path),
    ask: async (earlier) => {
      if (given !== undefined && earlier === undefined) return databaseFrom(given, setup);
      return questions === undefined ? { url: undefined, password: undefined } : askDatabase(questions, setup);
    },
    ...reactions(invocation, questions),
  });
}

function settleStore(
  invocation: Invocation,
  about: { setup: Setup; path: string; database: Database['answer']; store: StoreOptions },
  questions: Questions | undefined,
) {
  const { setup, path, database, store } = about;
  const name = invocation.globals.backend;
  return settle({
    tryOut: tryStore(setup, path, database),
    // What an option said may be what was wrong.
    ask: async (earlier: Awaited<ReturnType<typeof askStore>> | undefined) =>
      questions === undefined
        ? storeFromOptions(store, setup, name)
        : askStore(questions, setup, earlier === undefined ? store : {}, name, earlier),
    ...reactions(invocation, questions),
  });
}

function reactions({ output, signal }: Invocation, questions: Questions | undefined) {
  return {
    signal,
    show: async (check: DoctorCheck) => {
      // Without questions an error is the end, and told as such.
      const isTold = check.status === 'error' && questions === undefined;
      if (output.format === 'text' && !output.quiet && !isTold)
        await output.err.write(renderCheck(check, output.paintError));
    },
    again: async () => (await questions?.confirm('That does not work. Answer again?', true)) ?? false,
  };
}
