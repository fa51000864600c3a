import type { Identity } from '../core/identity.ts';
import type { ImageProfile } from '../core/image-profile.ts';

/** Where a value came from; the first of these that has one wins. */
export type Origin = 'flag' | 'environment' | 'file' | 'default';

/** What one run works with: flags, environment, configuration file and defaults put together. All paths are absolute. */
export interface Settings {
  database: DatabaseSettings;
  /** Where `upload` stores; always one of `backends`. */
  defaultBackend: string;
  /** By name, in the order of the configuration. */
  backends: ReadonlyMap<string, BackendSettings>;
  identity: Identity;
  limits: ContentLimits;
  /** Accepted asset types: the built-in ones, then the configured ones. */
  assetTypes: readonly string[];
  content: ContentSettings;
  scan: ScanSettings;
  serve: ServeSettings;
  timeouts: Timeouts;
  leases: Leases;
  /** Milliseconds that new assets live, by type; a type without one lives for ever. */
  retention: ReadonlyMap<string, number>;
  trash: Trash;
  /** Holds the embedded database and the built-in store where nothing else is configured; may not exist yet. */
  dataDirectory: string;
  sources: SettingSources;
}

/** `url` of an embedded database is `sqlite:` and its path; that of PostgreSQL may hold a password (redactUrl before it is shown). */
export type DatabaseSettings = { engine: 'sqlite'; url: string; path: string } | { engine: 'postgres'; url: string };

export interface ContentLimits {
  /** Bytes. */
  maxFileSize: number;
  /** In lower case, without parameters. */
  allowedMimeTypes: ReadonlySet<string>;
}

/** What is made of content before it is stored. */
export interface ContentSettings {
  /** By asset type; empty if images are not to be transformed. */
  images: ReadonlyMap<string, ImageProfile>;
  compress: boolean | 'auto';
  /** By backend: a host, perhaps with a path. */
  cdnDomains: ReadonlyMap<string, string>;
}

export const SCAN_MODES = ['auto', 'required', 'off'] as const;

export interface ScanSettings {
  mode: (typeof SCAN_MODES)[number];
  clamd: { host: string; port: number } | { socket: string };
  /** The file says something of it. */
  configured: boolean;
}

export interface ServeSettings {
  /** Without a slash at its end; undefined: it is not configured. */
  publicUrl: string | undefined;
  /** Secrets; the first signs. Empty: none are configured. */
  signingKeys: readonly string[];
  /** A minute, for each client; 0: any number. */
  rateLimit: number;
  corsOrigins: readonly string[];
}

/** In milliseconds. */
export interface Timeouts {
  /** For a connection to be made. */
  connect: number;
  /** For a call with all its retries. */
  deadline: number;
}

export interface Leases {
  /** Milliseconds; whole seconds. */
  duration: number;
}

export interface Trash {
  /** `delete` means the trash. */
  enabled: boolean;
  /** Milliseconds. */
  retention: number;
}

export interface SettingSources {
  /** null: there is none. */
  configFile: string | null;
  /** It was found from the working directory upward, so it may be someone else's. */
  foundInWorkingDirectory: boolean;
  database: Origin;
  defaultBackend: Origin;
}

/** A configured store, as the storage side opens it. */
export type BackendSettings = LocalSettings | S3Settings | GcsSettings | AzureSettings;

export interface LocalSettings {
  name: string;
  provider: 'LOCAL';
  path: string;
}

export interface S3Settings {
  name: string;
  provider: 'AWS_S3';
  bucket: string;
  region?: string | undefined;
  endpoint?: string | undefined;
  forcePathStyle?: boolean | undefined;
  /** Without a slash at either end. */
  prefix?: string | undefined;
  profile?: string | undefined;
}

export interface GcsSettings {
  name: string;
  provider: 'GOOGLE_CLOUD_STORAGE';
  bucket: string;
  credentialsFile?: string | undefined;
  apiEndpoint?: string | undefined;
  projectId?: string | undefined;
  prefix?: string | undefined;
}

/** At least one of `account`, `connectionString` and `endpoint` is there. */
export interface AzureSettings {
  name: string;
  provider: 'AZURE_BLOB';
  account?: string | undefined;
  container: string;
  connectionString?: string | undefined;
  endpoint?: string | undefined;
  prefix?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The global options that are settings; the others (`--format` among them) belong to the command line alone. */
export interface SettingsFlags {
  config?: string | undefined;
  database?: string | undefined;
  /** Of `upload`, which stores there. To other commands `--backend` is a filter: they leave it out. */
  backend?: string | undefined;
  /** `-`: nobody. */
  as?: string | undefined;
  org?: string | undefined;
  role?: string | undefined;
}

export interface LoadRequest {
  flags: SettingsFlags;
  env: Environment;
  /** Absolute. */
  cwd: string;
  /** Stands in for every file: one that is not written yet, as if it were found in a working directory. */
  draft?: { path: string; text: string };
}

export interface LoadedSettings {
  settings: Settings;
  /** One line each, for stderr. */
  warnings: string[];
}
