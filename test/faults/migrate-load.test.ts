import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { gcsDefinition, s3Definition } from '../support/cloud-stores.ts';
import { killAtRandom } from '../support/killed.ts';
import { createBucket, createDatabase, describeWithService } from '../support/services/index.ts';
import { createStoreHome, type StoreHome } from '../support/store-homes.ts';

/** How many migrations are killed; fewer in a run of all checks. */
const KILLS = Number(process.env['ASSET_CLI_TEST_MIGRATE_KILLS'] ?? (process.env['CI'] === 'true' ? 20 : 200));
const FILES = 40;
const NEW_FILES = 10;
const MIGRATE = ['migrate', '--from', 's3', '--to', 'gcs', '--yes', '--no-progress', '--concurrency', '4'];

/** What the people who go on working know: what they uploaded, and what they deleted. */
class Colleagues {
  readonly hashes = new Map<string, string>();
  readonly deleted = new Set<string>();
  reads = 0;
  #isWorking = true;
  #uploads = 0;
  readonly #store: StoreHome;

  constructor(store: StoreHome) {
    this.#store = store;
  }

  stop(): void {
    this.#isWorking = false;
  }

  async upload(count: number): Promise<void> {
    this.#uploads += 1;
    const folder = join(this.#store.home, `in-${this.#uploads}`);
    mkdirSync(folder);
    for (let index = 0; index < count; index += 1) {
      writeFileSync(join(folder, `${index}.txt`), `${this.#uploads}/${index} `.repeat(500));
    }
    const { code, stdout, stderr } = await this.#store.run(['upload', folder, '--json', '--no-progress']);
    expect(code, stderr).toBe(0);
    for (const { id, fileHash } of JSON.parse(stdout).assets) this.hashes.set(id, fileHash);
  }

  async write(): Promise<void> {
    while (this.#isWorking) await this.upload(NEW_FILES);
  }

  /** Every asset in turn, at any instant of a migration. */
  async read(): Promise<void> {
    for (let turn = 0; this.#isWorking; turn += 1) {
      const known = [...this.hashes];
      const [id = '', hash] = known[(turn * 7) % known.length] ?? [];
      const { code, stdout, stderr } = await this.#store.run(['download', id, '-o', '-', '-q']);
      // Whoever deletes may be faster.
      if (this.deleted.has(id)) continue;
      expect({ code, hash: createHash('sha256').update(stdout).digest('hex') }, stderr).toEqual({ code: 0, hash });
      this.reads += 1;
    }
  }

  async remove(): Promise<void> {
    for (let turn = 0; this.#isWorking; turn += 1) {
      const left = [...this.hashes.keys()].filter((id) => !this.deleted.has(id));
      const id = left[(turn * 5 + 3) % left.length];
      if (id === undefined || left.length < FILES / 2) {
        await sleep(50);
        continue;
      }
      this.deleted.add(id);
      const { code, stderr } = await this.#store.run(['delete', id, '--yes', '-q']);
      expect(code, stderr).toBe(0);
    }
  }
}

await describeWithService('postgres', 'on PostgreSQL', async () => {
  await describeWithService('gcs', 'to Google Cloud Storage', async (gcs) => {
    await describeWithService('s3', 'from S3', (s3) => {
      test('killed at random moments while others read, write and delete, a migration loses, doubles and breaks nothing', {
        timeout: 120_000 + KILLS * 30_000,
      }, async () => {
        const stores = [
          { ...s3Definition(s3, await createBucket('s3')), name: 's3' },
          { ...gcsDefinition(gcs, await createBucket('gcs')), name: 'gcs' },
        ];
        const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
        const store = await createStoreHome(env, stores);
        store.configure(stores, {
          database: await createDatabase(),
          identity: { user: 'tester', organization: 'acme', role: 'operator' },
          leases: { duration: '2s' },
        });
        const colleagues = new Colleagues(store);
        await colleagues.upload(FILES);
        const atWork = Promise.all([colleagues.write(), colleagues.read(), colleagues.remove()]);
        // A failure of theirs is met below; until then it must not count as unhandled.
        atWork.catch(() => colleagues.stop());
        await killAtRandom(store.home, KILLS, () => MIGRATE, { life: 2500, env });
        colleagues.stop();
        await atWork;
        expect(colleagues.reads).toBeGreaterThan(0);
        await finishMigration(store);
        await everythingIsThere(store, colleagues);
        await manifestsHold(store, colleagues);
      });
    });
  });
});

/** What the dead held is free after their leases; the next runs take it. */
async function finishMigration({ run }: StoreHome): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    const { code, stdout, stderr } = await run(['migrate', '--from', 's3', '--to', 'gcs', '--yes', '--json']);
    expect(code, stderr).toBe(0);
    if (JSON.parse(stdout).summary.remaining === 0) return;
  }
  throw new Error('the migration never came to its end');
}

async function everythingIsThere({ home, run }: StoreHome, { hashes, deleted }: Colleagues): Promise<void> {
  const alive = [...hashes].filter(([id]) => !deleted.has(id));
  const { stdout } = await run(['list', '--all', '--json']);
  const assets: { id: string; backend: string }[] = JSON.parse(stdout).assets;
  expect(assets.map(({ id }) => id).sort()).toEqual(alive.map(([id]) => id).sort());
  expect(new Set(assets.map(({ backend }) => backend))).toEqual(new Set(['gcs']));
  expect(await run(['download', '--all', '-o', 'out', '-q'])).toMatchObject({ code: 0 });
  const out = join(home, 'out');
  const downloaded = readdirSync(out).map((name) =>
    createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex'),
  );
  expect(downloaded.sort()).toEqual(alive.map(([, hash]) => hash).sort());
  expect(await run(['purge-expired', '--yes'])).toMatchObject({ code: 0 });
  const verified = await run(['verify', '--deep', '--json']);
  expect(verified.code, verified.stderr).toBe(0);
  const expected = { missing: 0, corrupt: 0, orphaned: 0, abandoned: 0 };
  expect(JSON.parse(verified.stdout).summary).toMatchObject(expected);
}

/** Of the runs that were killed, too; all together they moved each asset once. */
async function manifestsHold({ run }: StoreHome, { hashes }: Colleagues): Promise<void> {
  const { runs } = JSON.parse((await run(['migrate', 'report', '--json'])).stdout);
  const moved: string[] = [];
  for (const [index, each] of runs.entries()) {
    const manifest = `manifest-${index}.jsonl`;
    expect(await run(['migrate', 'report', each.run, '--manifest', manifest])).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await run(['verify', '--against', manifest, '--json']);
    expect(code, stderr + stdout).toBe(0);
    const { lines, summary } = JSON.parse(stdout);
    expect(summary.wrong).toBe(0);
    moved.push(...lines.map(({ id }: { id: string }) => id));
  }
  expect(new Set(moved).size).toBe(moved.length);
  for (const id of moved) expect(hashes.has(id)).toBe(true);
}
