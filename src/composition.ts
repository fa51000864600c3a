import { randomUUID } from 'node:crypto';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catalog } from './catalog/catalog.ts';
import { openCatalog } from './catalog/open.ts';
import { DEFAULT_PUBLIC_URL } from './config/defaults.ts';
import { loadSettings } from './config/load.ts';
import type { Environment, LoadRequest, Settings, SettingsFlags } from './config/settings.ts';
import { AssetError } from './core/errors.ts';
import { once } from './core/once.ts';
import { type SigningKey, toSigningKey } from './core/signed-path.ts';
import type { BackendPool, OperationContext } from './operations/context.ts';
import type { Scanner } from './scan/scanner.ts';
import type { StorageBackend } from './storage/backend.ts';
import type { LocalSigning } from './storage/definition.ts';
import { signingKeysFile } from './storage/local/signing-keys.ts';
import { openBackend } from './storage/open.ts';

/** More than clamd works on at once by default (MaxThreads 10); it queues the rest. */
const MOST_SCANNER_CONNECTIONS = 32;

export interface ContextOptions {
  /** Only for reading: nothing is created, and a database that does not exist is an empty one. */
  readOnly?: boolean;
  /** For what stores: the backend that was named is where to. To everything else it is a filter. */
  stores?: boolean;
  /** Takes its warnings, instead of the world's. */
  warn?: (message: string) => void;
}

/** Where the implementations are put together. Nothing is opened before it is asked for. */
export interface World {
  context(options?: ContextOptions): Promise<OperationContext>;
  /** From settings that are not in force. */
  contextFrom(settings: Settings, environment: Environment): OperationContext;
  /** One line about where the settings came from. */
  describeSettings(): Promise<string>;
  close(): Promise<void>;
}

/** How a world is asked for: by the command line, or by a program that uses the library. */
export interface WorldRequest extends LoadRequest {
  signal: AbortSignal;
  /** One line for people. */
  warn(message: string): void;
}

export function composeWorld(request: WorldRequest): World {
  const { signal } = request;
  const closers: (() => Promise<void>)[] = [];
  let loading: Promise<Settings> | undefined;
  const settingsFor = (stores: boolean): Promise<Settings> => {
    loading ??= loadSettings({ ...request, flags: flagsFor(request, stores) }).then(({ settings, warnings }) => {
      for (const warning of warnings) request.warn(warning);
      return settings;
    });
    return loading;
  };
  const contextFrom = (
    settings: Settings,
    environment: Environment,
    { readOnly = false, warn = request.warn }: ContextOptions = {},
  ): OperationContext => {
    let ownAddress = DEFAULT_PUBLIC_URL;
    const publicUrl = (): string => settings.serve.publicUrl ?? ownAddress;
    return {
      identity: settings.identity,
      catalog: lazyCatalog(settings, readOnly, environment, closers),
      backends: backendPool(settings, closers, { publicUrl, keys: signingKeysOf(settings, warn) }),
      rules: settings.limits,
      content: settings.content,
      assetTypes: settings.assetTypes,
      leaseSeconds: settings.leases.duration / 1000,
      lifecycle: toLifecycle(settings),
      scanning: { mode: settings.scan.mode, expected: settings.scan.configured, scanner: lazyScanner(settings) },
      serving: {
        ...settings.serve,
        answersFor: localBackends(settings),
        signingKeys: signingKeysOf(settings, warn),
        listensAt(url) {
          ownAddress = url;
        },
      },
      temporaryDirectory: tmpdir(),
      audit: { host: hostname(), correlationId: randomUUID() },
      signal,
      warn,
    };
  };
  return {
    contextFrom,
    async context(options = {}) {
      return contextFrom(await settingsFor(options.stores ?? false), request.env, options);
    },
    async describeSettings() {
      const { configFile } = (await settingsFor(false)).sources;
      return configFile === null ? 'no configuration file; flags, environment and defaults' : configFile;
    },
    async close() {
      for (const close of closers.reverse()) await close();
    },
  };
}

function flagsFor({ flags }: LoadRequest, stores: boolean): SettingsFlags {
  return stores ? flags : { ...flags, backend: undefined };
}

function localBackends({ backends }: Settings): ReadonlySet<string> {
  const local = [...backends].filter(([, { provider }]) => provider === 'LOCAL');
  return new Set(local.map(([name]) => name));
}

function toLifecycle({ retention, trash }: Settings): OperationContext['lifecycle'] {
  return {
    retention: new Map([...retention].map(([type, life]) => [type, life / 1000])),
    trashSeconds: trash.retention / 1000,
    trashEnabled: trash.enabled,
  };
}

function lazyCatalog(
  settings: Settings,
  readOnly: boolean,
  environment: Environment,
  closers: (() => Promise<void>)[],
): () => Promise<Catalog> {
  const { url } = settings.database;
  return once(async () => {
    const catalog = await openCatalog(url, {
      lockTimeout: settings.timeouts.deadline,
      deadline: settings.timeouts.deadline,
      migrate: 'auto',
      readOnly,
      environment,
    });
    closers.push(() => catalog.close());
    return catalog;
  });
}

/** Holds no connection, so there is nothing to close. Operations decide how much they ask at once. */
function lazyScanner({ scan, timeouts }: Settings): () => Promise<Scanner> {
  return once(async () => {
    const { createClamdScanner } = await import('./scan/clamd.ts');
    return createClamdScanner({
      address: scan.clamd,
      connectTimeout: timeouts.connect,
      deadline: timeouts.deadline,
      connections: MOST_SCANNER_CONNECTIONS,
    });
  });
}

function backendPool(settings: Settings, closers: (() => Promise<void>)[], signing: LocalSigning): BackendPool {
  const openers = new Map<string, () => Promise<StorageBackend>>();
  return {
    defaultName: settings.defaultBackend,
    names: [...settings.backends.keys()],
    open(name) {
      const known = openers.get(name);
      if (known !== undefined) return known();
      const open = once(async () => {
        const backend = await openNamed(settings, name, signing);
        closers.push(() => backend.close());
        return backend;
      });
      openers.set(name, open);
      return open();
    },
  };
}

async function openNamed(settings: Settings, name: string, signing: LocalSigning): Promise<StorageBackend> {
  const definition = settings.backends.get(name);
  if (definition?.provider === 'LOCAL') {
    return openBackend({ ...definition, signing }, settings.timeouts);
  }
  if (definition !== undefined) return openBackend(definition, settings.timeouts);
  throw new AssetError('CONFIG_INVALID', `No backend is called "${name}"`, {
    hint: `The configuration has ${[...settings.backends.keys()].join(', ')}.`,
    details: { backend: name },
  });
}

type Warn = (message: string) => void;

const signingKeys = new WeakMap<Settings, () => readonly SigningKey[]>();

/** As configured; else, where the database is this host's alone, from a file beside it. */
function signingKeysOf(settings: Settings, warn: Warn): () => readonly SigningKey[] {
  const known = signingKeys.get(settings);
  if (known !== undefined) return known;
  const keys = makeSigningKeys(settings, warn);
  signingKeys.set(settings, keys);
  return keys;
}

function makeSigningKeys({ serve, database, dataDirectory }: Settings, warn: Warn): () => readonly SigningKey[] {
  if (serve.signingKeys.length > 0 || database.engine === 'postgres') {
    const configured = serve.signingKeys.map(toSigningKey);
    return () => configured;
  }
  return signingKeysFile(join(dataDirectory, 'signing.keys'), warn);
}
