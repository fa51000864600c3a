import { expect, test } from 'vitest';
import { parseStorageKey } from '../../src/core/storage-key.ts';
import { isStorageError } from '../../src/storage/storage-error.ts';
import { openBareS3 } from '../support/bare-s3.ts';

const KEYS = ['a/1', 'a/2', 'a/3'].map(parseStorageKey);

function deniedOf(...keys: string[]): string {
  const errors = keys.map((key) => `<Error>${key}<Code>AccessDenied</Code><Message>no</Message></Error>`);
  return `<DeleteResult>${errors.join('')}</DeleteResult>`;
}

test.each([
  ['the key that it names', deniedOf('<Key>a/2</Key>'), ['a/2']],
  ['every key where it names none', deniedOf(''), ['a/1', 'a/2', 'a/3']],
  ['every key where it names another', deniedOf('<Key>a%2F2</Key>', '<Key>a/1</Key>'), ['a/1', 'a/2', 'a/3']],
])('an error in the answer to a deletion is of %s', async (_title, answer, expected) => {
  const backend = await openBareS3((request, response) => {
    request.resume().once('end', () => response.end(answer));
  });
  const failures = await backend.deleteMany(KEYS);
  expect(failures.map(({ key }) => key).toSorted()).toEqual(expected);
  expect(failures.every(({ error }) => isStorageError(error, 'DENIED'))).toBe(true);
});
