import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Spool } from '../../src/content/reading/spool.ts';
import { AssetError } from '../../src/core/errors.ts';
import { shareUploads } from '../../src/operations/upload/upload-together.ts';
import { jsonOf, startServer } from '../support/http-server.ts';

const LARGE = 'line of text\n'.repeat(60_000);

/** Nameless temporary files that this process holds open. */
function heldFiles(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor of the listing itself.
      return '';
    }
  });
  return targets.filter((target) => /asset-cli-[0-9a-f-]{36} \(deleted\)$/.test(target)).length;
}

test.runIf(process.platform === 'linux')('a large file that is refused before it is read is let go', async () => {
  const server = await startServer();
  const refused = await server.upload(LARGE, { name: `${'n'.repeat(2000)}.txt` });
  expect([refused.status, (await jsonOf(refused)).code]).toEqual([400, 'USAGE']);
  expect(heldFiles()).toBe(0);
  const openStore = async () => {
    throw new AssetError('STORE_NOT_FOUND', 'there is no store');
  };
  const storeless = await startServer({ workspace: { openStore } });
  const unstored = await storeless.upload(LARGE);
  expect([unstored.status, (await jsonOf(unstored)).code]).toEqual([503, 'STORE_NOT_FOUND']);
  expect(heldFiles()).toBe(0);
  expect((await server.upload(LARGE)).status).toBe(201);
  expect(heldFiles()).toBe(0);
});

test('a large upload of a server that stops ends as interrupted', async () => {
  const { workspace } = await startServer();
  const context = workspace.context({ signal: AbortSignal.abort() });

  const spool = new Spool(workspace.directory, 1);
  await spool.append(Buffer.from('content'));
  const request = {
    ...{ backend: 'local', assetType: 'LLM_TXT', projectId: null, scanResultId: null, isPublic: false, tags: {} },
    ...{ skipExisting: false, optimize: false, compress: false },
  };
  const source = { label: 'a.txt', path: '-', name: 'a.txt', spool };
  await expect(shareUploads(context).upload(context, request, source)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  spool.discard();
});
