import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ObjectRecord } from '../../src/catalog/catalog.ts';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { copyObject } from '../../src/operations/moving/copy-object.ts';
import type { CopiedObject } from '../../src/storage/backend.ts';
import { openLocalBackend } from '../../src/storage/local/local-backend.ts';
import { memoryBody } from '../support/bodies.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const CONTENT = 'what was uploaded';
const ETAG = '0123456789abcdef0123456789abcdef-3';
const PATH = parseStorageKey('a/b/file.bin');

it('a copy with the recorded ETag, made of its own parts, is not read', async () => {
  const { facts, reads } = await copy({ etag: ETAG, hasEtagOfParts: true });
  expect(facts.etag).toBe(ETAG);
  expect(reads()).toBe(0);
});

it('an ETag that nobody says is made of the parts proves nothing', async () => {
  const { reads } = await copy({ etag: ETAG });
  expect(reads()).toBe(1);
});

it('of another ETag than is recorded the bytes are read', async () => {
  const { reads } = await copy({ etag: ETAG.replace('-3', '-1'), hasEtagOfParts: true });
  expect(reads()).toBe(1);
  const changed = copy({ etag: ETAG.replace('-3', '-1'), hasEtagOfParts: true }, 'what is there by now');
  await expect(changed).rejects.toMatchObject({ code: 'BYTES_DAMAGED' });
});

/** By a store that copies by itself, and then holds `content`. */
async function copy(copied: Pick<CopiedObject, 'etag' | 'hasEtagOfParts'>, content = CONTENT) {
  const store = openLocalBackend({ name: 's3', path: await temporaryDirectory() });
  let reads = 0;
  const target = {
    ...store,
    get: (...request: Parameters<typeof store.get>) => {
      reads += 1;
      return store.get(...request);
    },
    copyFrom: async () => ({ ...(await store.put(PATH, memoryBody(content))), checksums: {}, ...copied }),
  };
  const object = record();
  const facts = await copyObject({ store, object }, { store: target, storagePath: PATH }, new AbortController().signal);
  return { facts, reads: () => reads };
}

function record(): ObjectRecord {
  return {
    id: 'one',
    organizationId: 'default',
    backend: 's3',
    storageProvider: 'AWS_S3',
    storagePath: parseStorageKey('a/b/source.bin'),
    size: CONTENT.length,
    sha256: createHash('sha256').update(CONTENT).digest('hex'),
    storedSize: CONTENT.length,
    contentEncoding: null,
    storedSha256: null,
    storedMd5: null,
    storedCrc32c: null,
    etag: ETAG,
    isPublic: false,
    state: 'STORED',
    claim: null,
    leaseExpiresAt: null,
    damagedAt: null,
  };
}
