import { expect, test } from 'vitest';
import { neighbouringAssetIds, neighbouringUuids } from '../../src/core/neighbouring-uuids.ts';

test('what is made together begins alike, and is a random UUID all the same', () => {
  const [newId, newOtherId] = [neighbouringUuids(), neighbouringUuids()];
  const ids = Array.from({ length: 1000 }, newId);
  expect(new Set(ids).size).toBe(1000);
  expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(1);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newOtherId().slice(0, 8)).not.toBe(ids[0]?.slice(0, 8));
});

test('no two assets of a group agree in the eight digits that are shown of them', () => {
  const newId = neighbouringAssetIds();
  // Of 20 random bits, two of 5,000 would agree.
  const ids = Array.from({ length: 5000 }, newId);
  expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(5000);
  expect(new Set(ids.map((id) => id.slice(0, 3))).size).toBe(1);
});
