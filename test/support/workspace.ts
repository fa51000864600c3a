import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { BUILT_IN_ASSET_TYPES } from '../../src/core/asset.ts';
import type { Identity } from '../../src/core/identity.ts';
import { DEFAULT_IMAGE_PROFILES } from '../../src/core/image-profile.ts';
import type { ContentSettings, OperationContext } from '../../src/operations/context.ts';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openBackend } from '../../src/storage/open.ts';

/** A folder of one test's own with a SQLite catalog and a LOCAL store, and contexts to work on them. */
export interface Workspace {
  readonly directory: string;
  readonly storage: string;
  readonly databaseUrl: string;
  /** What contexts were warned about. */
  readonly warnings: string[];
  catalog(): Promise<Catalog>;
  /** As a fresh process would see it: stores are checked anew. */
  context(changes?: ContextChanges): OperationContext;
  /** The stored files below the storage directory, without markers, sorted. */
  storedFiles(): Promise<string[]>;
}

export interface ContextChanges {
  identity?: Partial<Identity>;
  /** Wraps the store, to make it fail on purpose. */
  wrapStore?: (store: StorageBackend) => StorageBackend;
  signal?: AbortSignal;
  maxFileSize?: number;
  content?: Partial<ContentSettings>;
  leaseSeconds?: number;
  lifecycle?: Partial<OperationContext['lifecycle']>;
  scanning?: OperationContext['scanning'];
  serving?: Partial<OperationContext['serving']>;
}

const ALLOWED = ['application/pdf', 'image/jpeg', 'image/png', 'image/gif', 'image/webp', 'text/plain', 'text/csv'];

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'asset-cli-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface WorkspaceOptions {
  /** Instead of SQLite in the folder. */
  databaseUrl?: string;
  /** The backends that contexts know; default: `local` alone. */
  backends?: readonly string[];
  /** Instead of directories in the folder. */
  openStore?: (name: string) => Promise<StorageBackend>;
}

/** Whoever takes the place of get() means all that is read. */
function readByGet(wrapped: StorageBackend, inner: StorageBackend): StorageBackend {
  if (wrapped.get === inner.get) return wrapped;
  const { readNow: _, ...others } = wrapped;
  return others;
}

export async function createWorkspace(options: WorkspaceOptions = {}): Promise<Workspace> {
  const directory = await temporaryDirectory();
  const storage = join(directory, 'storage');
  const databaseUrl = options.databaseUrl ?? `sqlite:${join(directory, 'assets.db')}`;
  const names = options.backends ?? ['local'];
  const openStore = options.openStore ?? openDirectory;
  const warnings: string[] = [];
  let opened: Promise<Catalog> | undefined;
  const catalog = () => {
    opened ??= openCatalog(databaseUrl, { lockTimeout: 10_000, migrate: 'auto' });
    return opened;
  };
  onTestFinished(async () => (await opened)?.close());

  function openDirectory(name: string): Promise<StorageBackend> {
    const path = name === 'local' ? storage : `${storage}-${name}`;
    return openBackend({ name, provider: 'LOCAL', path }, { connect: 1000, deadline: 2000 });
  }

  function context(changes: ContextChanges = {}): OperationContext {
    const wrap = changes.wrapStore ?? ((store) => store);
    const stores = new Map<string, Promise<StorageBackend>>();
    return {
      identity: { user: 'ada', organization: 'acme', role: 'operator', ...changes.identity },
      catalog,
      backends: {
        defaultName: names[0] ?? 'local',
        names,
        open(name) {
          const store = stores.get(name) ?? openStore(name).then((inner) => readByGet(wrap(inner), inner));
          stores.set(name, store);
          return store;
        },
      },
      rules: { maxFileSize: changes.maxFileSize ?? 2 ** 20, allowedMimeTypes: new Set(ALLOWED) },
      content: { images: DEFAULT_IMAGE_PROFILES, compress: 'auto', cdnDomains: new Map(), ...changes.content },
      assetTypes: BUILT_IN_ASSET_TYPES,
      leaseSeconds: changes.leaseSeconds ?? 30,
      lifecycle: { retention: new Map(), trashSeconds: 7 * 86_400, trashEnabled: false, ...changes.lifecycle },
      scanning: changes.scanning ?? {
        mode: 'off',
        expected: false,
        scanner: () => Promise.reject(new Error('no scanner')),
      },
      serving: {
        ...{ rateLimit: 0, corsOrigins: [], answersFor: new Set(names), publicUrl: undefined },
        signingKeys: () => [],
        listensAt: () => undefined,
        ...changes.serving,
      },
      temporaryDirectory: directory,
      audit: { host: 'test-host', correlationId: randomUUID() },
      signal: changes.signal ?? new AbortController().signal,
      warn: (message) => warnings.push(message),
    };
  }

  return { directory, storage, databaseUrl, warnings, catalog, context, storedFiles: () => filesBelow(storage) };
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== '.asset-cli.json')
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}
