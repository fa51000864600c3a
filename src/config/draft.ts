import type { StorageProvider } from '../core/asset.ts';

/** What `init` was told. Secrets are no part of it. */
export interface ConfigDraft {
  /** `sqlite:…` or `postgres://…` without a password; undefined: the embedded default. */
  database: string | undefined;
  store: StoreDraft | undefined;
}

export interface StoreDraft {
  name: string;
  provider: StorageProvider;
  path?: string | undefined;
  bucket?: string | undefined;
  container?: string | undefined;
  account?: string | undefined;
  /** The connection string is in ASSET_CLI_AZURE_CONNECTION_STRING. */
  usesConnectionString?: boolean;
  region?: string | undefined;
  endpoint?: string | undefined;
  prefix?: string | undefined;
  profile?: string | undefined;
  credentialsFile?: string | undefined;
}

export const CONNECTION_VARIABLE = 'ASSET_CLI_AZURE_CONNECTION_STRING';

/** The commented configuration file that a draft amounts to, in YAML. */
export function renderDraft({ database, store }: ConfigDraft): string {
  const lines = [
    '# Configuration of asset-cli. Every key: docs/configuration-keys.md. Check it with: asset-cli doctor',
    '# Secrets do not belong here: they stay in the environment, or with each provider’s own credentials.',
    '',
    ...databaseLines(database),
    '',
    ...(store === undefined ? [] : storeLines(store)),
    '# Who acts, for access checks and the audit trail. Flags and variables go before it.',
    ...identityLines(database),
    '',
    '# What is accepted; here the defaults, shortened.',
    '# limits: { maxFileSize: 50MiB, allowedMimeTypes: [application/pdf, text/csv] }',
  ];
  return `${lines.join('\n')}\n`;
}

function databaseLines(database: string | undefined): string[] {
  const about = '# The catalog: what every file is, who may see it, where its bytes are.';
  if (database === undefined)
    return [
      about,
      '# The default is SQLite in the data directory (~/.local/share/asset-cli/assets.db).',
      '# database: sqlite:./assets.db',
    ];
  if (!database.startsWith('postgres')) return [about, `database: ${scalar(database)}`];
  return [about, '# Its password is taken from PGPASSWORD or ~/.pgpass.', `database: ${scalar(database)}`];
}

function identityLines(database: string | undefined): string[] {
  if (database?.startsWith('postgres') !== true)
    return ['# identity: { user: ci, organization: acme, role: operator }'];
  return [
    '# With PostgreSQL everyone is a member until said otherwise; maintenance needs an operator.',
    '# identity: { user: ci, organization: acme, role: member }',
  ];
}

const ABOUT: Readonly<Record<StorageProvider, string>> = {
  LOCAL: 'A directory of this machine.',
  AWS_S3: 'Credentials come from the AWS chain: variables, profile, role.',
  GOOGLE_CLOUD_STORAGE: 'Credentials come from the key file, else from the application default credentials.',
  AZURE_BLOB: 'Credentials come from the connection string, else from the Azure chain: variables, identity, az login.',
};

function storeLines(store: StoreDraft): string[] {
  const settings: [string, string | undefined][] = [
    ['provider', store.provider],
    ['path', text(store.path)],
    ['bucket', text(store.bucket)],
    ['account', text(store.account)],
    ['container', text(store.container)],
    ['connectionString', store.usesConnectionString === true ? `"\${${CONNECTION_VARIABLE}}"` : undefined],
    ['region', text(store.region)],
    [store.provider === 'GOOGLE_CLOUD_STORAGE' ? 'apiEndpoint' : 'endpoint', text(store.endpoint)],
    // other stores seldom have a host name for each bucket, and every one of them takes it in the path
    ['forcePathStyle', store.provider === 'AWS_S3' && store.endpoint !== undefined ? 'true' : undefined],
    ['profile', text(store.profile)],
    ['credentialsFile', text(store.credentialsFile)],
    ['prefix', text(store.prefix)],
  ];
  return [
    '# Where uploads go; any number of backends may stand below.',
    `defaultBackend: ${scalar(store.name)}`,
    'backends:',
    `  ${scalar(store.name)}:`,
    `    # ${ABOUT[store.provider]}`,
    ...settings.flatMap(([key, value]) => (value === undefined ? [] : [`    ${key}: ${value}`])),
    '',
  ];
}

function text(value: string | undefined): string | undefined {
  return value === undefined ? undefined : scalar(value);
}

/** Quoted wherever YAML could read something else into it; a `${` that was typed stands for itself. */
function scalar(value: string): string {
  const literal = value.replaceAll('${', () => '$${');
  const isPlain =
    /^[A-Za-z./~][A-Za-z0-9._/@:-]*$/.test(literal) && !/:$|^(?:true|false|null|yes|no|on|off|~)$/i.test(literal);
  return isPlain ? literal : JSON.stringify(literal);
}
