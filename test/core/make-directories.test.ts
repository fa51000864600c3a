import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectories } from '../../src/core/make-directories.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('makes what is missing, and says what that was', async () => {
  const folder = await temporaryDirectory();
  const [one, two] = [join(folder, 'one'), join(folder, 'one', 'two')];
  expect(makeDirectories(two, 0o700)).toEqual([one, two]);
  expect([mode(one), mode(two)]).toEqual(['700', '700']);
  expect(makeDirectories(two, 0o700)).toEqual([]);
  expect(makeDirectories('/')).toEqual([]);
  expect(makeDirectories('.')).toEqual([]);
});

test('tells what is in the way', async () => {
  const folder = await temporaryDirectory();
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('nowhere', join(folder, 'dangling'));
  const codeOf = (path: string) => {
    try {
      return makeDirectories(path);
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error;
    }
  };
  expect(codeOf(join(folder, 'file'))).toBe('EEXIST');
  expect(codeOf(join(folder, 'file', 'a', 'b'))).toBe('ENOTDIR');
  expect(codeOf(join(folder, 'dangling', 'a'))).toBe('EEXIST');
  expect(existsSync(join(folder, 'nowhere'))).toBe(false);
});

test.runIf(existsSync('/proc'))('ends where the system takes none', () => {
  expect(() => makeDirectories('/proc/asset-cli/one/two')).toThrow('ENOENT');
});
