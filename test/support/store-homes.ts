import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import type { BackendDefinition } from '../../src/storage/definition.ts';
import { openBackend } from '../../src/storage/open.ts';
import { azureDefinition, gcsDefinition, s3Definition, TIMEOUTS, useS3Credentials } from './cloud-stores.ts';
import { type ProgramOptions, type ProgramResult, runProgram } from './program.ts';
import { createBucket, service } from './services/index.ts';
import { temporaryDirectory } from './workspace.ts';

type Definition = BackendDefinition & { prefix?: string | undefined };

/** One provider as the built program meets it: fresh stores on a real server, and the environment that opens them. */
export interface StoreKind {
  provider: BackendDefinition['provider'];
  /** The provider's own chain, and what the configuration names as `${ASSET_CLI_…}`. */
  env: Record<string, string>;
  /** What no output may ever show. */
  secrets: string[];
  /** An empty store; a second call with the same `at` gives the same bucket or directory. */
  fresh(name: string, at?: { prefix?: string; sameAs?: Definition }): Promise<Definition>;
}

/** Like describe, once for each of the four providers. A server that cannot be had is skipped loudly, and fails CI. */
export async function describeEachStore(title: string, define: (kind: StoreKind) => void): Promise<void> {
  for (const make of [local, s3, gcs, azure]) {
    const kind = await make();
    if ('skip' in kind) {
      if (process.env['CI'] === 'true') throw new Error(kind.skip);
      describe.skip(`${title}: ${kind.skip}`, () => undefined);
    } else describe(`${title}: ${kind.provider}`, () => define(kind));
  }
}

async function local(): Promise<StoreKind> {
  return {
    provider: 'LOCAL',
    env: {},
    secrets: [],
    async fresh(name, { prefix, sameAs } = {}) {
      const root = sameAs?.provider === 'LOCAL' ? sameAs.path : join(await temporaryDirectory(), 'store');
      return { name, provider: 'LOCAL', path: prefix === undefined ? root : join(root, prefix) };
    },
  };
}

async function s3(): Promise<StoreKind | { skip: string }> {
  const found = await service('s3');
  if ('skip' in found) return found;
  useS3Credentials(found);
  return {
    provider: 'AWS_S3',
    env: { AWS_ACCESS_KEY_ID: found.accessKeyId, AWS_SECRET_ACCESS_KEY: found.secretAccessKey },
    secrets: [found.secretAccessKey],
    async fresh(name, { prefix, sameAs } = {}) {
      const bucket = sameAs?.provider === 'AWS_S3' ? sameAs.bucket : await createBucket('s3');
      return { ...s3Definition(found, bucket, prefix), name };
    },
  };
}

async function gcs(): Promise<StoreKind | { skip: string }> {
  const found = await service('gcs');
  if ('skip' in found) return found;
  return {
    provider: 'GOOGLE_CLOUD_STORAGE',
    env: {},
    secrets: ['PRIVATE KEY'],
    async fresh(name, { prefix, sameAs } = {}) {
      const bucket = sameAs?.provider === 'GOOGLE_CLOUD_STORAGE' ? sameAs.bucket : await createBucket('gcs');
      return { ...gcsDefinition(found, bucket, prefix), name };
    },
  };
}

async function azure(): Promise<StoreKind | { skip: string }> {
  const found = await service('azure');
  if ('skip' in found) return found;
  return {
    provider: 'AZURE_BLOB',
    env: { ASSET_CLI_AZURE: found.connectionString },
    secrets: [found.accountKey],
    async fresh(name, { prefix, sameAs } = {}) {
      const container = sameAs?.provider === 'AZURE_BLOB' ? sameAs.container : await createBucket('azure');
      return { ...azureDefinition(found, container, prefix), name };
    },
  };
}

/** Everything in a store, markers and probes included, as it is seen without the program. */
export async function storedKeys(definition: Definition): Promise<string[]> {
  const store = await openBackend(definition, TIMEOUTS);
  const keys: string[] = [];
  for await (const object of store.list('')) keys.push(object.key);
  await store.close();
  return keys;
}

/** A user's home with a configuration, and the program in it. */
export interface StoreHome {
  home: string;
  run(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** Writes the configuration anew; the first backend is the default. */
  configure(backends: readonly object[], more?: object): void;
}

export async function createStoreHome(env: Record<string, string>, backends: readonly object[]): Promise<StoreHome> {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(home);
  const configure = (definitions: readonly object[], more: object = {}) => {
    const file = { ...configuration(definitions), ...more };
    writeFileSync(join(home, 'asset-cli.config.json'), JSON.stringify(file), { mode: 0o600 });
  };
  configure(backends);
  const run = (args: readonly string[], options: ProgramOptions = {}) =>
    runProgram(home, args, { ...options, env: { ...env, ...options.env } });
  return { home, run, configure };
}

function configuration(definitions: readonly object[]) {
  const named = definitions.map((definition): [string, object] => {
    const { name, ...settings } = { name: 'store', ...definition };
    // As the documentation advises: the secret stays in the environment.
    return [
      name,
      'connectionString' in settings ? { connectionString: `\${ASSET_CLI_AZURE}`, ...without(settings) } : settings,
    ];
  });
  return { defaultBackend: named[0]?.[0], backends: Object.fromEntries(named) };
}

function without({ connectionString: _, ...rest }: { connectionString?: unknown }): object {
  return rest;
}
