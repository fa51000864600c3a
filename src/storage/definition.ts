import type { SigningKey } from '../core/signed-path.ts';

/** A configured backend, as openBackend takes it. Paths are absolute; credentials come from each provider's own chain. */
export type BackendDefinition = LocalDefinition | S3Definition | GcsDefinition | AzureDefinition;

export interface LocalDefinition {
  name: string;
  provider: 'LOCAL';
  path: string;
  /** Without it no URLs are signed. */
  signing?: LocalSigning | undefined;
}

/** What signs for a directory, and where `serve` answers to it. */
export interface LocalSigning {
  /** As it is at the moment, without a slash at its end. */
  publicUrl(): string;
  /** The first signs. */
  keys(): readonly SigningKey[];
}

export interface S3Definition {
  name: string;
  provider: 'AWS_S3';
  bucket: string;
  region?: string | undefined;
  /** An URL, for stores that speak S3. */
  endpoint?: string | undefined;
  forcePathStyle?: boolean | undefined;
  prefix?: string | undefined;
  /** Of the shared configuration and credentials files. */
  profile?: string | undefined;
}

export interface GcsDefinition {
  name: string;
  provider: 'GOOGLE_CLOUD_STORAGE';
  bucket: string;
  credentialsFile?: string | undefined;
  apiEndpoint?: string | undefined;
  projectId?: string | undefined;
  prefix?: string | undefined;
}

export interface AzureDefinition {
  name: string;
  provider: 'AZURE_BLOB';
  account?: string | undefined;
  container: string;
  connectionString?: string | undefined;
  endpoint?: string | undefined;
  prefix?: string | undefined;
}

/** In milliseconds. */
export interface StorageTimeouts {
  /** For a connection to be made. */
  connect: number;
  /** After a call's first failure, within which it is tried again; a silence ends after a quarter of it. */
  deadline: number;
}
