import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { judgeShared } from '../support/judge-cloud.ts';
import { runSql } from '../support/postgres-databases.ts';
import { finished, type ProgramResult, runProgram, startProgram } from '../support/program.ts';
import { createDatabase, describeWithService } from '../support/services/index.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const HOSTS = 8;
const FILES = 200;
const LEASE_SECONDS = 2;
/** An option of whoever runs the tests; CI races for a shorter time. */
const RACE_SECONDS = Number(process.env['ASSET_CLI_TEST_RACE_SECONDS'] ?? (process.env['CI'] === 'true' ? 10 : 60));
const LARGE_BYTES = 20 * 2 ** 20;
const STOPPED_BEFORE_LINK = join(import.meta.dirname, '../support/stopped-before-link.cjs');

const BULK_FILES = 4000;
/** An option of whoever runs the tests; shorter in CI. */
const OUTAGE_SECONDS = process.env['CI'] === 'true' ? 4 : 10;

/** Hosts with homes of their own that share one PostgreSQL catalog and one directory. */
interface Fleet {
  database: string;
  storage: string;
  /** More of what their configurations say, from the next use of a home on. */
  settings: string;
  home(host: string): string;
  run(host: string, args: readonly string[]): Promise<ProgramResult>;
}

async function createFleet({ address, settings = '' }: { address?: string; settings?: string } = {}): Promise<Fleet> {
  const [database, directory] = [await createDatabase(), await temporaryDirectory()];
  const storage = join(directory, 'shared');
  const home = (host: string): string => {
    const folder = join(directory, host);
    mkdirSync(join(folder, 'config', 'asset-cli'), { recursive: true });
    writeFileSync(
      join(folder, 'config', 'asset-cli', 'config.yaml'),
      `database: ${address === undefined ? database : withAddress(database, address)}
identity: { user: ${host}, organization: acme, role: operator }
backends: { shared: { provider: LOCAL, path: ${storage} } }
limits: { maxFileSize: 1GiB }
content: { compress: false }
scan: { mode: "off" }
leases: { duration: ${LEASE_SECONDS}s }
${fleet.settings}`,
    );
    return folder;
  };
  const fleet: Fleet = { database, storage, settings, home, run: (host, args) => runProgram(home(host), args) };
  return fleet;
}

function withAddress(database: string, address: string): string {
  const url = new URL(database);
  url.host = address;
  return url.href;
}

function writeFiles(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index += 1) writeFileSync(join(folder, `${index}.txt`), `content ${index}`);
  return folder;
}

function expectSuccess(result: ProgramResult): void {
  expect(result, result.stderr + result.stdout).toMatchObject({ code: 0 });
}

/** Starts an upload of a large file and returns when its bytes are written and it stands still, before they have a name. */
async function startLargeUpload(fleet: Fleet, host: string): Promise<{ child: ChildProcess; path: string }> {
  const path = join(fleet.home(host), 'large.txt');
  writeFileSync(path, Buffer.alloc(LARGE_BYTES, 'large '));
  const env = { NODE_OPTIONS: `--require="${STOPPED_BEFORE_LINK}"` };
  const child = startProgram(fleet.home(host), ['upload', path, '--json'], { env });
  child.stdin?.end();
  await expect.poll(() => stateOf(child)).toBe('T');
  expect(await runSql(fleet.database, `SELECT 1 FROM objects WHERE state = 'PENDING'`)).toHaveLength(1);
  return { child, path };
}

/** As in proc(5): T is stopped. */
function stateOf({ pid }: ChildProcess): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}

/** As another host finds it: the lease has run out. */
async function takeOver(fleet: Fleet): Promise<void> {
  await sleep(LEASE_SECONDS * 1000 + 500);
  expectSuccess(await fleet.run('rescuer', ['purge-expired', '--yes']));
  const pending = await runSql(fleet.database, `SELECT 1 FROM objects WHERE state = 'PENDING'`);
  expect(pending).toEqual([]);
}

async function expectWhole(fleet: Fleet, assets: number): Promise<void> {
  expect(await judgeShared(fleet.database, fleet.storage)).toMatchObject({ faults: [], assets });
}

async function proxyToPostgres({ url }: { url: string }) {
  const { hostname, port } = new URL(url);
  const proxy = await tcpProxy(hostname, Number(port));
  onTestFinished(() => proxy.close());
  return Object.assign(proxy, { address: `127.0.0.1:${proxy.port}` });
}

/** Cuts the connections in the middle of a bulk upload, when some groups are committed and another is about to be. */
async function uploadUntilCut(fleet: Fleet, proxy: TcpProxy) {
  const folder = writeFiles(join(fleet.home('host'), 'in'), BULK_FILES);
  const isCut = proxy.cutAllAt('insert into "assets"', 4);
  const child = startProgram(fleet.home('host'), ['upload', folder, '-q']);
  child.stdin?.end();
  const result = finished(child);
  // Whoever ends before that says why.
  await Promise.race([isCut, result.then(expectSuccess).then(() => expect.fail('nothing was cut'))]);
  expect(await runSql(fleet.database, 'SELECT 1 FROM assets LIMIT 1')).toHaveLength(1);
  return { files: BULK_FILES, folder, result };
}

await describeWithService('postgres', 'many hosts on one PostgreSQL catalog', (postgres) => {
  test('upload the same files at once: one stored copy of each, no error', async () => {
    const fleet = await createFleet();
    expectSuccess(await fleet.run('first', ['db', 'migrate']));
    const hosts = Array.from({ length: HOSTS }, (_, index) => `host${index}`);
    const files = writeFiles(join(fleet.home('first'), 'in'), FILES);
    const results = await Promise.all(hosts.map((host) => fleet.run(host, ['upload', files, '-q'])));
    for (const result of results) expectSuccess(result);
    await expectWhole(fleet, HOSTS * FILES);
    const objects = await runSql(fleet.database, 'SELECT state, count(*)::int AS count FROM objects GROUP BY state');
    expect(objects).toEqual([{ state: 'STORED', count: FILES }]);
  });

  test(`race uploads and deletes of the same content for ${RACE_SECONDS} s`, async () => {
    const fleet = await createFleet();
    const files = writeFiles(join(fleet.home('first'), 'in'), 20);
    expectSuccess(await fleet.run('first', ['upload', files, '-q']));
    const end = performance.now() + RACE_SECONDS * 1000;
    const repeat = async (host: string, args: readonly string[], statuses: readonly number[]) => {
      while (performance.now() < end) {
        const result = await fleet.run(host, args);
        expect(statuses, `${args.join(' ')}: ${result.code} ${result.stderr}`).toContain(result.code);
      }
    };
    // Who deletes what another has deleted meanwhile is told so.
    const lostRaces = [0, 4, 9];
    await Promise.all([
      repeat('one', ['upload', files, '-q'], [0]),
      repeat('two', ['upload', files, '-q'], [0]),
      repeat('three', ['delete', '--name', '1*', '--yes', '-q'], lostRaces),
      repeat('four', ['delete', '--all', '--yes', '-q'], lostRaces),
    ]);
    const judgement = await judgeShared(fleet.database, fleet.storage);
    expect(judgement).toMatchObject({ faults: [], leftovers: 0 });
  });

  test('two maintenance commands share the work: each asset is purged once', async () => {
    const fleet = await createFleet();
    const files = writeFiles(join(fleet.home('first'), 'in'), FILES);
    expectSuccess(await fleet.run('first', ['upload', files, '--expires-in', '1s', '-q']));
    await sleep(1500);
    const purge = ['purge-expired', '--yes', '--batch-size', '10', '--json'];
    const results = await Promise.all([fleet.run('one', purge), fleet.run('two', purge)]);
    for (const result of results) expectSuccess(result);
    const purged = results.map((result) => JSON.parse(result.stdout).summary.purged);
    expect(purged[0] + purged[1]).toBe(FILES);
    await expectWhole(fleet, 0);
  });

  test('a host that was killed loses its lease, and another finishes its work', async () => {
    const fleet = await createFleet();
    expectSuccess(await fleet.run('first', ['db', 'migrate']));
    const { child, path } = await startLargeUpload(fleet, 'killed');
    const result = finished(child);
    child.kill('SIGKILL');
    expect((await result).signal).toBe('SIGKILL');
    await takeOver(fleet);
    await expectWhole(fleet, 0);
    expectSuccess(await fleet.run('rescuer', ['upload', path, '-q']));
    await expectWhole(fleet, 1);
  });

  test('a host that was frozen past its lease cannot harm what another took over', async () => {
    const fleet = await createFleet();
    expectSuccess(await fleet.run('first', ['db', 'migrate']));
    const { child, path } = await startLargeUpload(fleet, 'frozen');
    const result = finished(child);
    child.kill('SIGSTOP');
    await takeOver(fleet);
    expectSuccess(await fleet.run('rescuer', ['upload', path, '-q']));
    child.kill('SIGCONT');
    const { code, stderr } = await result;
    // It notices that its claim is gone, or shares the bytes that the rescuer has stored.
    expect([0, 8, 11], stderr).toContain(code);
    await expectWhole(fleet, code === 0 ? 2 : 1);
  });

  test('the database goes away in the middle of a bulk upload and comes back: it goes on', async () => {
    const proxy = await proxyToPostgres(postgres);
    const fleet = await createFleet({ address: proxy.address });
    const { files, result } = await uploadUntilCut(fleet, proxy);
    await sleep(OUTAGE_SECONDS * 1000);
    proxy.resume();
    expectSuccess(await result);
    await expectWhole(fleet, files);
  });

  test('the database stays away past the deadline: exit 8, and the next run puts it right', async () => {
    const proxy = await proxyToPostgres(postgres);
    const fleet = await createFleet({ address: proxy.address, settings: 'timeouts: { deadline: 5s }\n' });
    const { files, folder, result } = await uploadUntilCut(fleet, proxy);
    const { code, stderr } = await result;
    expect([8, 9], stderr).toContain(code);
    proxy.resume();
    fleet.settings = '';
    expectSuccess(await fleet.run('host', ['upload', folder, '--skip-existing', '-q']));
    await sleep(LEASE_SECONDS * 1000 + 500);
    expectSuccess(await fleet.run('host', ['purge-expired', '--yes']));
    await expectWhole(fleet, files);
  });
});
