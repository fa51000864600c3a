import { randomUUID } from 'node:crypto';
import { hostname, tmpdir } from 'node:os';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/open.ts';
import { loadSettings } from '../config/load.ts';
import type { LoadedSettings, Settings } from '../config/settings.ts';
import { AssetError } from '../core/errors.ts';
import type { BackendPool, OperationContext } from '../operations/context.ts';
import type { Scanner } from '../scan/scanner.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { openBackend } from '../storage/open.ts';
import type { Setup } from './context/setup.ts';
import type { GlobalOptions } from './globals.ts';
import type { Host } from './host.ts';

export interface ContextOptions {
  /** The command only reads: nothing is created, and a database that does not exist is an empty one. */
  readOnly?: boolean;
  /** `upload` stores in the backend that `--backend` names; to every other command that is a filter. */
  stores?: boolean;
}

/** More than clamd works on at once by default (MaxThreads 10); it queues the rest. */
const MOST_SCANNER_CONNECTIONS = 32;

/** Where the implementations are put together for one command. Nothing is opened before it is asked for. */
export interface World {
  context(options?: ContextOptions): Promise<OperationContext>;
  /** One line about where the settings came from. */
  describeSettings(): Promise<string>;
  /** For a configuration that is yet to be written. */
  setup(): Promise<Setup>;
  close(): Promise<void>;
}

export function createWorld(
  host: Host,
  globals: GlobalOptions,
  signal: AbortSignal,
  warn: (message: string) => void,
): World {
  const closers: (() => Promise<void>)[] = [];
  let loading: Promise<Settings> | undefined;
  const settingsFor = (stores: boolean): Promise<Settings> => {
    loading ??= load(host, globals, stores).then(({ settings, warnings }) => {
      for (const warning of warnings) warn(warning);
      return settings;
    });
    return loading;
  };
  const contextFrom = (settings: Settings, readOnly: boolean, environment = host.env): OperationContext => ({
    identity: settings.identity,
    catalog: lazyCatalog(settings, readOnly, environment, closers),
    backends: backendPool(settings, closers),
    rules: settings.limits,
    assetTypes: settings.assetTypes,
    leaseSeconds: settings.leases.duration / 1000,
    lifecycle: toLifecycle(settings),
    scanning: { mode: settings.scan.mode, expected: settings.scan.configured, scanner: lazyScanner(settings) },
    temporaryDirectory: tmpdir(),
    audit: { host: hostname(), correlationId: randomUUID() },
    signal,
    warn,
  });
  return {
    async context({ readOnly = false, stores = false } = {}) {
      return contextFrom(await settingsFor(stores), readOnly);
    },
    async describeSettings() {
      const { configFile } = (await settingsFor(false)).sources;
      return configFile === null ? 'no configuration file; flags, environment and defaults' : configFile;
    },
    async setup() {
      const { createSetup } = await import('./context/setup.ts');
      return createSetup(host, globals, (settings, environment) => contextFrom(settings, false, environment));
    },
    async close() {
      for (const close of closers.reverse()) await close();
    },
  };
}

function toLifecycle({ retention, trash }: Settings): OperationContext['lifecycle'] {
  return {
    retention: new Map([...retention].map(([type, life]) => [type, life / 1000])),
    trashSeconds: trash.retention / 1000,
    trashEnabled: trash.enabled,
  };
}

function load(host: Host, globals: GlobalOptions, stores: boolean): Promise<LoadedSettings> {
  const { config, database, as, org, role, backend } = globals;
  const flags = { config, database, as, org, role, backend: stores ? backend : undefined };
  return loadSettings({ flags, env: host.env, cwd: host.cwd() });
}

function lazyCatalog(
  settings: Settings,
  readOnly: boolean,
  environment: Host['env'],
  closers: (() => Promise<void>)[],
): () => Promise<Catalog> {
  let opening: Promise<Catalog> | undefined;
  return () => {
    opening ??= openCatalog(settings.database.url, {
      lockTimeout: settings.timeouts.deadline,
      migrate: 'auto',
      readOnly,
      environment,
    }).then((catalog) => {
      closers.push(() => catalog.close());
      return catalog;
    });
    return opening;
  };
}

/** Holds no connection, so there is nothing to close. Operations decide how much they ask at once. */
function lazyScanner({ scan, timeouts }: Settings): () => Promise<Scanner> {
  let made: Promise<Scanner> | undefined;
  return () => {
    made ??= import('../scan/clamd.ts').then(({ createClamdScanner }) =>
      createClamdScanner({
        address: scan.clamd,
        connectTimeout: timeouts.connect,
        connections: MOST_SCANNER_CONNECTIONS,
      }),
    );
    return made;
  };
}

function backendPool(settings: Settings, closers: (() => Promise<void>)[]): BackendPool {
  const opened = new Map<string, Promise<StorageBackend>>();
  return {
    defaultName: settings.defaultBackend,
    names: [...settings.backends.keys()],
    open(name) {
      const known = opened.get(name);
      if (known !== undefined) return known;
      const opening = openNamed(settings, name).then((backend) => {
        closers.push(() => backend.close());
        return backend;
      });
      opened.set(name, opening);
      return opening;
    },
  };
}

async function openNamed(settings: Settings, name: string): Promise<StorageBackend> {
  const definition = settings.backends.get(name);
  if (definition !== undefined) return openBackend(definition, settings.timeouts);
  throw new AssetError('CONFIG_INVALID', `No backend is called "${name}"`, {
    hint: `The configuration has ${[...settings.backends.keys()].join(', ')}.`,
    details: { backend: name },
  });
}
