import { afterAll, beforeAll, describe } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { describeBodies } from './storage-bodies.ts';
import { describeHttp } from './storage-http.ts';
import { describeKeys } from './storage-keys.ts';
import { describeListing } from './storage-listing.ts';

/** What a backend's server can be asked to prove. */
export interface StorageTraits {
  /** A body of this size is stored in several parts. */
  multipartBytes: number;
  /** LOCAL: one key cannot be the directory of another. */
  keysAreDirectories?: boolean;
  /** LOCAL: files have no content type or encoding. */
  keepsNoHeaders?: boolean;
  /** Lists in the order of UTF-16, which differs beyond U+FFFF. */
  listsByUtf16?: boolean;
  /** What the test server does not do, with the reason; the test is skipped by name. */
  serverLacks?: Partial<Record<ServerDuty, string>>;
  /** Where a plain HTTP client finds an object (an open URL, or one that the server does not check). */
  plainUrl?(backend: StorageBackend, key: string): Promise<string>;
}

export type ServerDuty =
  | 'ifAbsent'
  | 'ifAbsentRace'
  | 'checksums'
  | 'abandonedUploads'
  | 'signatures'
  | 'copy'
  | 'headers';

export interface StorageSuite {
  /** A fresh, empty store. */
  open(): Promise<StorageBackend>;
  traits: StorageTraits;
}

export interface SuiteContext {
  backend(): StorageBackend;
  open(): Promise<StorageBackend>;
  traits: StorageTraits;
}

/** The storage contract, as every backend keeps it on a real server. */
export function describeStorage(name: string, suite: StorageSuite): void {
  describeWith(`${name} keeps the storage contract`, suite, (context) => {
    describeKeys(context);
    describeBodies(context);
    describeListing(context, 2500);
    describeHttp(context);
  });
}

/** The part of the contract that a prefix inside a shared bucket or container could break. */
export function describeStorageWithPrefix(name: string, suite: StorageSuite): void {
  describeWith(`${name} keeps the storage contract behind a prefix`, suite, (context) => {
    describeKeys(context);
    describeListing(context, 40);
    describeHttp(context);
  });
}

function describeWith(title: string, { open, traits }: StorageSuite, define: (context: SuiteContext) => void): void {
  describe(title, () => {
    let backend: StorageBackend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(async () => {
      await backend?.close();
    });

    define({ backend: () => backend, open, traits });
  });
}
