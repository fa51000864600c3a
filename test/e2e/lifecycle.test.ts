import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Asset } from '../../src/core/asset.ts';
import { type DatabaseKind, describeEachDatabase } from '../support/databases.ts';
import { type ProgramResult, runProgram } from '../support/program.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const LONG = 'one line like any other\n'.repeat(200);

interface Desk {
  home: string;
  env: Record<string, string>;
  storage: string;
  run(...args: string[]): Promise<ProgramResult>;
  upload(name: string, ...options: string[]): Promise<Asset>;
}

async function deskOn(database: DatabaseKind, configuration = ''): Promise<Desk> {
  const home = join(await temporaryDirectory(), 'home');
  mkdirSync(join(home, 'config', 'asset-cli'), { recursive: true });
  writeFileSync(join(home, 'config', 'asset-cli', 'config.yaml'), configuration);
  const { env } = await database.create(home);
  const run = (...args: string[]) => runProgram(home, args, { env });
  return {
    home,
    env,
    storage: join(home, 'data', 'asset-cli', 'storage'),
    run,
    async upload(name, ...options) {
      writeFileSync(join(home, name), `content of ${name}`);
      const result = await run('upload', name, '--json', ...options);
      expect(result, result.stderr).toMatchObject({ code: 0 });
      return JSON.parse(result.stdout).assets[0];
    },
  };
}

await describeEachDatabase('the life of assets', (database) => {
  const desk = (configuration?: string) => deskOn(database, configuration);

  describe('expiry', () => {
    test('an expired asset is listed, is not handed out, and comes back when it is extended', async () => {
      const { run, upload } = await desk('retention: { EXPORT_FILE: 1s }');
      const asset = await upload('a.txt', '--type', 'EXPORT_FILE');
      const kept = await upload('b.txt', '--type', 'EXPORT_FILE', '--expires-in', '30d');
      expect(Date.parse(asset.expiresAt ?? '') - Date.parse(asset.createdAt)).toBe(1000);
      await sleep(1100);
      expect((await run('list', '--ids')).stdout).toBe(`${kept.id}\n`);
      expect((await run('list', '--expired', '--ids')).stdout).toBe(`${asset.id}\n`);
      const refused = await run('download', asset.id, '-o', '-');
      expect(refused).toMatchObject({ code: 4, stdout: '' });
      expect(refused.stderr).toContain(`expired at ${asset.expiresAt}`);
      const extended = await run('extend', asset.id.slice(0, 8), '--never', '--json');
      expect(JSON.parse(extended.stdout)).toMatchObject({ id: asset.id, expiresAt: null });
      expect(await run('download', asset.id, '-o', '-')).toMatchObject({ code: 0, stdout: 'content of a.txt' });
    });

    test("is judged by the database's clock, not by a host's that is off", async () => {
      const { home, env, upload } = await desk();
      const { id } = await upload('a.txt', '--expires-in', '30m');
      const shift = join(home, 'shift.cjs');
      writeFileSync(
        shift,
        'const Host = Date; globalThis.Date = class extends Host { constructor(...a) { super(...(a.length ? a : [Host.now() + 3_600_000])); } };',
      );
      const shifted = { ...env, NODE_OPTIONS: `--require=${shift}` };
      expect(await runProgram(home, ['download', id, '-o', '-'], { env: shifted })).toMatchObject({ code: 0 });
    });
  });

  describe('purge-expired', () => {
    test('names one asset as one, a type that nothing has, and by its id what is to be done first', async () => {
      const { run, upload } = await desk();
      const { id } = await upload('a.txt', '--expires-in', '1s');
      await run('delete', id, '--trash', '--yes');
      await upload('b.txt', '--expires-in', '1s');
      await sleep(1100);
      expect((await run('purge-expired')).stderr).toContain('Remove 1 asset (16 B) that is due');
      const bounded = await run('purge-expired', '--yes', '--max-delete', '0');
      expect(bounded.stderr).toContain('1 asset would be removed');
      const misspelt = await run('purge-expired', '--yes', '--type', 'EXPORT_FIEL');
      expect(misspelt).toMatchObject({ code: 0, stderr: expect.stringContaining('Did you mean "EXPORT_FILE"') });
      expect((await run('restore', id)).stderr).toContain(`asset-cli extend ${id} --expires-in 30d`);
    });

    test('says what it would do, then does it, in one line of JSON', async () => {
      const { run, upload } = await desk();
      const assets = [await upload('a.txt', '--expires-in', '1s'), await upload('b.txt', '--expires-in', '1s')];
      await upload('c.txt');
      await sleep(1100);
      expect(await run('purge-expired')).toMatchObject({ code: 2 });
      const planned = await run('purge-expired', '--dry-run', '--format', 'jsonl');
      const lines = planned.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(
        lines
          .slice(0, 2)
          .map(({ id }) => id)
          .sort(),
      ).toEqual(assets.map(({ id }) => id).sort());
      expect(lines[2].summary).toMatchObject({ purged: 2, bytes: 32, dryRun: true });
      expect(await run('purge-expired', '--yes', '--max-delete', '50%')).toMatchObject({ code: 11 });
      expect(await run('purge-expired', '--yes', '--role', 'member')).toMatchObject({ code: 5 });
      const done = await run('purge-expired', '--yes', '--max-delete', '67%', '--json');
      expect(done.stdout.trim()).not.toContain('\n');
      expect(JSON.parse(done.stdout).summary).toEqual({
        ...{ purged: 2, bytes: 32, leftovers: 0, quarantined: 0, remaining: 0, failed: 0, dryRun: false },
      });
      expect(await run('purge-expired', '--yes', '--json')).toMatchObject({ code: 0 });
    });
  });

  describe('trash', () => {
    test('is where delete leads if it is enabled, and what is there already goes for good', async () => {
      const { run, upload } = await desk('trash: { enabled: true }');
      const asset = await upload('a.txt');
      expect(JSON.parse((await run('delete', asset.id, '--yes', '--json')).stdout).summary).toMatchObject({
        ...{ deleted: 0, trashed: 1, failed: 0 },
      });
      expect(await run('download', asset.id, '-o', '-')).toMatchObject({ code: 4 });
      expect((await run('list', '--ids', '--status', 'trashed')).stdout).toBe(`${asset.id}\n`);
      expect(JSON.parse((await run('restore', asset.id, '--json')).stdout)).toMatchObject({ status: 'active' });
      expect(await run('restore', asset.id)).toMatchObject({ code: 11 });
      await run('delete', asset.id, '--yes');
      expect(await run('delete', asset.id, '--yes', '--trash')).toMatchObject({ code: 11 });
      expect(JSON.parse((await run('delete', asset.id, '--yes', '--json')).stdout).summary).toMatchObject({
        deleted: 1,
      });
      const other = await upload('b.txt');
      expect(JSON.parse((await run('delete', other.id, '--yes', '--no-trash', '--json')).stdout).summary).toMatchObject(
        {
          deleted: 1,
        },
      );
      const history = await run('audit', asset.id, '--json');
      expect(JSON.parse(history.stdout).events.map(({ action }: { action: string }) => action)).toEqual([
        ...['deleted', 'trashed', 'trashed', 'restored', 'restored', 'downloaded', 'trashed', 'uploaded'],
      ]);
    });
  });

  describe('verify', () => {
    test('ends with 10 while bytes are missing or corrupt, with 0 for orphans alone', async () => {
      const { run, upload, storage } = await desk();
      const [lost, hurt] = [await upload('lost.txt'), await upload('hurt.txt')];
      const orphan = join(storage, 'default/document_upload/2025/01/02/0c7d4f57-8a3b-4c1d-9e2f-123456789abc.txt');
      mkdirSync(join(orphan, '..'), { recursive: true });
      writeFileSync(orphan, 'nobody');
      utimesSync(orphan, new Date('2025-01-02'), new Date('2025-01-02'));
      expect(JSON.parse((await run('verify', '--json')).stdout).summary).toMatchObject({
        checked: 3,
        orphaned: 1,
        failed: 0,
      });
      rmSync(join(storage, lost.storagePath));
      writeFileSync(join(storage, hurt.storagePath), 'content of HURT.txt');
      const found = await run('verify', '--json');
      expect(found.code).toBe(10);
      const { findings, summary } = JSON.parse(found.stdout);
      expect(summary).toMatchObject({ missing: 1, corrupt: 1, orphaned: 1, repaired: 0 });
      expect(
        findings.map(({ kind, assetIds }: { kind: string; assetIds: string[] }) => [kind, ...assetIds]).sort(),
      ).toEqual([['corrupt', hurt.id], ['missing', lost.id], ['orphaned']]);
      expect(await run('verify', '--repair')).toMatchObject({ code: 2 });
      expect(await run('verify', '--repair', '--yes')).toMatchObject({ code: 10 });
      expect((await run('list', '--status', 'damaged', '--ids')).stdout.trim().split('\n').sort()).toEqual(
        [lost.id, hurt.id].sort(),
      );
      await upload('lost.txt');
      writeFileSync(join(storage, hurt.storagePath), 'content of hurt.txt');
      expect(await run('verify', '--repair', '--yes')).toMatchObject({ code: 0 });
      expect((await run('list', '--ids')).stdout.trim().split('\n')).toHaveLength(3);
      expect(await run('verify', '--deep', '--resume', '--json')).toMatchObject({ code: 0 });
      expect(await run('verify', '--role', 'member')).toMatchObject({ code: 5 });
    });
  });

  describe('stats', () => {
    test('are lines of the Prometheus text format', async () => {
      const { home, run, upload } = await desk();
      await upload('a.txt', '--expires-in', '3d');
      writeFileSync(join(home, 'long.txt'), LONG);
      await run('upload', 'long.txt');
      const { stdout, code } = await run('stats', '--format', 'prometheus');
      expect(code).toBe(0);
      for (const line of stdout.trimEnd().split('\n')) {
        expect(line).toMatch(/^(?:# (?:HELP|TYPE) asset_cli_\w+ .+|asset_cli_\w+(?:\{(?:\w+="[^"\\]*",?)+\})? \d+)$/);
      }
      expect(stdout).toContain('asset_cli_expiring_assets{days="7"} 1\n');
      const { compressed } = JSON.parse((await run('stats', '--json')).stdout);
      expect(compressed.count).toBe(1);
      expect(compressed.bytes).toBeGreaterThan(LONG.length / 2);
      expect(stdout).toContain(`asset_cli_compression_saved_bytes ${compressed.bytes}\n`);
      expect((await run('stats')).stdout).toMatch(/^compressed +saved +1 +/m);
      expect(await run('list', '--format', 'prometheus')).toMatchObject({ code: 2 });
    });
  });
});
