import { expect, test } from 'vitest';
import { neighbouringUuids } from '../../src/core/neighbouring-uuids.ts';

test('what is made together begins alike, and is a random UUID all the same', () => {
  const [newId, newOtherId] = [neighbouringUuids(), neighbouringUuids()];
  const ids = Array.from({ length: 1000 }, newId);
  expect(new Set(ids).size).toBe(1000);
  expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(1);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newOtherId().slice(0, 8)).not.toBe(ids[0]?.slice(0, 8));
});
