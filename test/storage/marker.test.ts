import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openLocalBackend } from '../../src/storage/local/local-backend.ts';
import { putMarker } from '../../src/storage/marker.ts';
import { StorageError } from '../../src/storage/storage-error.ts';

const MARKER = { catalogId: 'c', backendId: 'b', format: 1 } as const;

/** Turns puts away as S3 does while another's is under way; the other's object comes with the last of them, or never. */
async function startBusyStore({ refusals, ending }: { refusals: number; ending: 'another’s' | 'nothing' }) {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'asset-cli-marker-')));
  const store = openLocalBackend({ name: 'busy', path });
  let puts = 0;
  const put: StorageBackend['put'] = async (key, body, options) => {
    puts += 1;
    if (puts === refusals && ending === 'another’s') await putMarker(store, { ...MARKER, catalogId: 'another' });
    if (puts <= refusals) throw new StorageError('CONFLICT', 'another put is under way', { backend: 'busy', key });
    return store.put(key, body, options);
  };
  return { ...store, put };
}

test('a marker whose put is turned away waits for the other one, and tells what it is', async () => {
  const store = await startBusyStore({ refusals: 3, ending: 'another’s' });
  expect(await putMarker(store, MARKER)).toEqual({ ...MARKER, catalogId: 'another' });
});

test('a marker whose put is turned away is put again where the other one never comes', async () => {
  const store = await startBusyStore({ refusals: 2, ending: 'nothing' });
  expect(await putMarker(store, MARKER)).toEqual(MARKER);
});

test('a store that takes no marker at all is told', async () => {
  const store = await startBusyStore({ refusals: 1000, ending: 'nothing' });
  await expect(putMarker(store, MARKER)).rejects.toMatchObject({ kind: 'INTEGRITY' });
});
