import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { runProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

async function desk() {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), 'cdn: { domain: cdn.example.com }\n');
  const run = (...args: string[]) => runProgram(home, args);
  const upload = async (name: string): Promise<Asset> => {
    writeFileSync(join(home, name), `content of ${name}`);
    return JSON.parse((await run('upload', name, '--json')).stdout).assets[0];
  };
  return { run, upload };
}

describe('publish and unpublish', () => {
  test('answer with an asset, with an array of several, and a line each in jsonl', async () => {
    const { run, upload } = await desk();
    const [one, two] = [await upload('one.txt'), await upload('two.txt')];
    const single = await run('publish', one.id.slice(0, 8), '--json');
    const shown: Asset = JSON.parse(single.stdout);
    expect(single).toMatchObject({ code: 0, stderr: '' });
    expect(shown).toMatchObject({ id: one.id, isPublic: true });
    expect(shown.cdnUrl).toBe(`https://cdn.example.com/${shown.storagePath}`);
    expect((await run('sign', one.id)).stdout.trim()).toBe(shown.cdnUrl);
    const several = await run('publish', one.id, two.id, '--json');
    expect(JSON.parse(several.stdout)).toMatchObject([{ cdnUrl: shown.cdnUrl }, { id: two.id, isPublic: true }]);
    const lines = await run('unpublish', one.id, two.id, '--format', 'jsonl');
    expect(
      lines.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).cdnUrl),
    ).toEqual([null, null]);
    const { events } = JSON.parse((await run('audit', one.id, '--json')).stdout);
    expect(events.map(({ action }: { action: string }) => action).sort()).toEqual(
      ['published', 'signed', 'unpublished', 'uploaded'].sort(),
    );
    expect((await run('download', one.id, '-o', '-')).stdout).toBe('content of one.txt');
  });

  test('show the address in text, and end as the contract says', async () => {
    const { run, upload } = await desk();
    const asset = await upload('one.txt');
    const text = await run('publish', asset.id);
    expect(text.stdout).toMatch(/^ID +ACCESS +NAME +ADDRESS\n[0-9a-f-]{36} +public +one\.txt +https:\/\/cdn/);
    expect(await run('publish', '00000000')).toMatchObject({ code: 4, stdout: '' });
    expect(await run('publish', asset.id, '00000000')).toMatchObject({ code: 9 });
    expect(await run('unpublish', asset.id, '--as', 'eve', '--role', 'member')).toMatchObject({ code: 5, stdout: '' });
    expect(await run('publish')).toMatchObject({ code: 2 });
    await run('delete', asset.id, '--trash', '--yes');
    const trashed = await run('unpublish', asset.id, '--json');
    expect(trashed.code).toBe(11);
    expect(JSON.parse(trashed.stderr).error).toMatchObject({ hint: expect.stringContaining('restore') });
    const brief = await upload('brief.txt');
    await run('extend', brief.id, '--expires-in', '1s');
    await sleep(1100);
    expect(await run('publish', brief.id)).toMatchObject({ code: 4 });
  });
});
