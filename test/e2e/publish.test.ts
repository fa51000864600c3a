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
  const configure = (yaml: string) => writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), yaml);
  const upload = async (name: string): Promise<Asset> => {
    writeFileSync(join(home, name), `content of ${name}`);
    return JSON.parse((await run('upload', name, '--json')).stdout).assets[0];
  };
  return { run, upload, configure };
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

  test('give the address that the configuration gives now, and none for what is not handed out', async () => {
    const { run, upload, configure } = await desk();
    const { id } = await upload('one.txt');
    expect(await run('publish', id)).toMatchObject({ code: 0 });
    const addresses = async () => {
      const shown: Asset = JSON.parse((await run('show', id, '--json')).stdout);
      const all = [...['active', 'trashed'].map((status) => ['--status', status]), ['--expired']];
      const lists = await Promise.all(all.map((filter) => run('list', '--json', ...filter)));
      const listed: Asset[] = lists.flatMap(({ stdout }) => JSON.parse(stdout).assets);
      return [shown.cdnUrl?.split('/')[2] ?? null, ...listed.map(({ cdnUrl }) => cdnUrl?.split('/')[2] ?? null)];
    };
    expect(await addresses()).toEqual(['cdn.example.com', 'cdn.example.com']);
    configure('cdn: { domain: new.example.com }\n');
    expect(await addresses()).toEqual(['new.example.com', 'new.example.com']);
    expect((await run('sign', id)).stdout).toMatch(/^https:\/\/new\.example\.com\//);
    const extended = await run('extend', id, '--expires-in', '3d', '--json');
    expect(JSON.parse(extended.stdout).cdnUrl).toMatch(/^https:\/\/new\.example\.com\//);
    configure('');
    expect(await addresses()).toEqual([null, null]);
    configure('cdn: { domain: cdn.example.com }\n');
    await run('extend', id, '--expires-in', '1s');
    await sleep(1100);
    expect(await addresses()).toEqual([null, null]);
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
