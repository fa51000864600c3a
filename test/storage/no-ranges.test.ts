import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { openBareS3 } from '../support/bare-s3.ts';

const KEY = parseStorageKey('org/report.csv');
const RANGE = { start: 0, end: 9 };

/** A store that answers every get with the whole object. */
function openWithoutRanges(size: number) {
  return openBareS3((_, response) => response.setHeader('etag', '"x"').end(Buffer.alloc(size)));
}

describe('a store that answers no ranges', () => {
  it.each([
    ['short', 1000],
    ['long', 3 * 2 ** 20],
  ])('is refused, and no more than was asked for handed on: a %s object', async (_, size) => {
    const backend = await openWithoutRanges(size);
    const part = backend.get(KEY, { range: RANGE }).then(({ body }) => buffer(body));
    await expect(part).rejects.toMatchObject({ kind: 'UNSUPPORTED' });
    expect(await buffer((await backend.get(KEY, {})).body)).toHaveLength(size);
  });
});
