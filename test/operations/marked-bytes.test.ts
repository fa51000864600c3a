import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verify } from '../../src/operations/verify/verify.ts';
import { assetOf, collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace } from '../support/workspace.ts';

/** A time that can be set exactly. */
const WHOLE_SECONDS = 1_700_000_000;

test('what a deep verification marked is not taken for whole because its size and time are right', async () => {
  const work = await createWorkspace();
  const path = await writeText(work.directory, 'a.txt', 'as it was');
  const { storagePath } = assetOf((await uploadPaths(work.context(), [path]))[0]);
  const stored = join(work.storage, storagePath);
  const check = (deep: boolean) =>
    collect(verify(work.context(), { allOrganizations: false, deep, resume: false, repair: true }));
  await utimes(stored, WHOLE_SECONDS, WHOLE_SECONDS);
  await check(false);
  await writeFile(stored, 'AS IT WAS');
  await utimes(stored, WHOLE_SECONDS, WHOLE_SECONDS);
  const corrupt = expect.objectContaining({ finding: expect.objectContaining({ kind: 'corrupt' }) });
  expect(await check(true)).toContainEqual(corrupt);
  expect(await check(false)).toContainEqual(corrupt);
  expect((await (await work.catalog()).maintenance.status()).assets).toMatchObject({ damaged: 1 });
});
