import { join } from 'node:path';
import type { StorageProvider } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import type { Setup, StoreDraft } from '../context/setup.ts';

/** What flags say about the store; the same keys as in the configuration. */
export type StoreOptions = Partial<
  Pick<
    StoreDraft,
    | 'provider'
    | 'path'
    | 'bucket'
    | 'container'
    | 'account'
    | 'region'
    | 'endpoint'
    | 'prefix'
    | 'profile'
    | 'credentialsFile'
  >
>;

type Key = Exclude<keyof StoreOptions, 'provider'>;

/** Which options each provider has; the first is what its store cannot be found without. */
const KEYS: Readonly<Record<StorageProvider, readonly Key[]>> = {
  LOCAL: ['path'],
  AWS_S3: ['bucket', 'region', 'endpoint', 'prefix', 'profile'],
  GOOGLE_CLOUD_STORAGE: ['bucket', 'credentialsFile', 'endpoint', 'prefix'],
  AZURE_BLOB: ['container', 'account', 'endpoint', 'prefix'],
};

const ALL_KEYS = [...new Set(Object.values(KEYS).flat())];

/** A name for the backend until somebody gives it a better one. */
export const DEFAULT_NAMES: Readonly<Record<StorageProvider, string>> = {
  LOCAL: 'local',
  AWS_S3: 's3',
  GOOGLE_CLOUD_STORAGE: 'gcs',
  AZURE_BLOB: 'azure',
};

/** What is known of a store of this provider before anybody is asked. Paths are absolute. */
export function defaultsFor(provider: StorageProvider, setup: Setup, given: StoreOptions): StoreOptions {
  const { found } = setup;
  switch (provider) {
    case 'LOCAL':
      return { path: setup.resolve(found.localPath ?? join(setup.dataDirectory, 'storage')) };
    case 'AWS_S3': {
      const { bucket, endpoint } = found.s3;
      return { bucket, endpoint, region: regionFor(given.profile, setup, given.endpoint ?? endpoint) };
    }
    case 'GOOGLE_CLOUD_STORAGE': {
      const { bucket, credentialsFile } = found.gcs;
      const file = credentialsFile === undefined ? {} : { credentialsFile: setup.resolve(credentialsFile) };
      return { bucket, ...file };
    }
    case 'AZURE_BLOB':
      return { container: found.azure.container, account: found.azure.account };
  }
}

/** Other stores that speak S3 seldom care, but a signature has to name one. */
export function regionFor(profile: string | undefined, setup: Setup, endpoint: string | undefined): string | undefined {
  const { profiles, region } = setup.found.s3;
  const own = profiles.find(({ name }) => name === (profile ?? 'default'))?.region;
  return (
    (profile === undefined ? (region ?? own) : (own ?? region)) ?? (endpoint === undefined ? undefined : 'us-east-1')
  );
}

/**
 * The store that flags and what was found amount to, without a question.
 * @throws AssetError USAGE for an option that its provider does not have, or lacks
 */
export function storeFromOptions(given: StoreOptions, setup: Setup, name: string | undefined): StoreDraft {
  const provider = given.provider ?? setup.found.provider ?? 'LOCAL';
  checkKeys(provider, given);
  const known = { ...defaultsFor(provider, setup, given), ...given };
  const [needed = 'path'] = KEYS[provider];
  if (known[needed] === undefined) throw missing(provider, needed);
  const usesConnectionString = provider === 'AZURE_BLOB' && given.account === undefined && given.endpoint === undefined;
  if (usesConnectionString && setup.found.azure.hasConnectionString) {
    return { ...known, provider, name: name ?? DEFAULT_NAMES[provider], account: undefined, usesConnectionString };
  }
  if (usesConnectionString && known.account === undefined) throw missing(provider, 'account');
  return { ...absolute(known, setup), provider, name: name ?? DEFAULT_NAMES[provider] };
}

export function absolute(options: StoreOptions, setup: Setup): StoreOptions {
  const { path, credentialsFile } = options;
  return {
    ...options,
    ...(path === undefined ? {} : { path: setup.resolve(path) }),
    ...(credentialsFile === undefined ? {} : { credentialsFile: setup.resolve(credentialsFile) }),
  };
}

export function checkKeys(provider: StorageProvider, given: StoreOptions): void {
  const foreign = ALL_KEYS.find((key) => given[key] !== undefined && !KEYS[provider].includes(key));
  if (foreign === undefined) return;
  throw new AssetError('USAGE', `${flag(foreign)} is not for ${provider}`, {
    hint: `It has ${KEYS[provider].map(flag).join(', ')}.`,
  });
}

function missing(provider: StorageProvider, key: Key): AssetError {
  return new AssetError('USAGE', `${provider} needs ${flag(key)}`, {
    hint: 'Give it, or answer the questions in a terminal.',
  });
}

function flag(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
