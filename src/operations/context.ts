import type { AuditContext, Catalog } from '../catalog/catalog.ts';
import type { ContentRules } from '../content/content.ts';
import type { Identity } from '../core/identity.ts';
import type { ImageProfile } from '../core/image-profile.ts';
import type { SigningKey } from '../core/signed-path.ts';
import type { Scanner } from '../scan/scanner.ts';
import type { StorageBackend } from '../storage/backend.ts';

/** The configured stores, opened when they are first asked for and closed with the command. */
export interface BackendPool {
  readonly defaultName: string;
  readonly names: readonly string[];
  /**
   * The same backend at each call, wrapped in retries.
   * @throws AssetError CONFIG_INVALID if no backend has that name
   */
  open(name: string): Promise<StorageBackend>;
}

/** What is made of content before it is stored, as configured. */
export interface ContentSettings {
  /** By asset type; images of other types stay as they came. */
  images: ReadonlyMap<string, ImageProfile>;
  /** 'auto': where every reader gets the original all the same (BackendFeatures.decodesForReaders). */
  compress: boolean | 'auto';
  /** By backend: the host, and the path that goes before storage paths. */
  cdnDomains: ReadonlyMap<string, string>;
}

/** How long assets are kept, as configured. */
export interface LifecycleSettings {
  /** The life of new assets by type, in seconds; a type without one lives for ever. */
  retention: ReadonlyMap<string, number>;
  /** How long the trash keeps an asset. */
  trashSeconds: number;
  /** `delete` means the trash, unless it is told otherwise. */
  trashEnabled: boolean;
}

/** What virus scans are asked for. */
export interface Scanning {
  /** required: nothing is stored, and nothing handed out, without a verdict. off: uploads are not scanned. */
  mode: 'auto' | 'required' | 'off';
  /** The configuration speaks of it: where it does not answer, that is worth a warning. */
  expected: boolean;
  /** Made at the first call, the same one afterwards; whether it can be reached is found out by its use. */
  scanner(): Promise<Scanner>;
}

/** How the HTTP side is to answer. */
export interface ServingSettings {
  /** Requests a minute for each client; 0: any number. */
  rateLimit: number;
  corsOrigins: readonly string[];
  /** The backends whose files it hands out, as their stores answer nobody. */
  answersFor: ReadonlySet<string>;
  /** As configured: what signed URLs begin with. */
  publicUrl: string | undefined;
  /** The server's own address, which the URLs begin with that it signs if nothing is configured. */
  listensAt(url: string): void;
  /** Those that local backends sign their URLs with: the first signs, all are accepted. */
  signingKeys(): readonly SigningKey[];
}

/** Everything an operation may touch; made by the command line, the HTTP side or the library. */
export interface OperationContext {
  identity: Identity;
  /** Opened at the first call, the same one afterwards. */
  catalog(): Promise<Catalog>;
  backends: BackendPool;
  rules: ContentRules;
  content: ContentSettings;
  /** Accepted asset types: the built-in and the configured ones. */
  assetTypes: readonly string[];
  leaseSeconds: number;
  lifecycle: LifecycleSettings;
  scanning: Scanning;
  serving: ServingSettings;
  /** For spooled streams and downloads without a target directory. */
  temporaryDirectory: string;
  audit: AuditContext;
  /** Aborted when the user wants to stop: no new work is taken, the item under way is finished or undone. */
  signal: AbortSignal;
  /** One line for people, on stderr. */
  warn(message: string): void;
}
