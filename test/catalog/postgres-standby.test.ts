import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ProgramResult, runProgram } from '../support/program.ts';
import { service } from '../support/services/index.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { temporaryFolder } from '../support/services/server.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const isMissing = 'skip' in (await service('postgres'));

describe.skipIf(isMissing && process.env['CI'] !== 'true')('a hot standby of PostgreSQL', () => {
  it('is read from, and refuses what would be written with exit 5', async () => {
    const folder = await temporaryFolder('postgres-standby');
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const data = join(folder, 'data');
    const home = join(await temporaryDirectory(), 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'a.txt'), 'content');
    const primary = await start(data);
    const stored = await run(home, primary.url, 'upload', 'a.txt', '--json');
    expect(stored, stored.stderr).toMatchObject({ code: 0 });
    const { id } = JSON.parse(stored.stdout).assets[0];
    await primary.stop();
    // What a server does that finds this file in its data: it follows another, and takes no writes.
    writeFileSync(join(data, 'standby.signal'), '');
    const standby = await start(data);
    expect(await run(home, standby.url, 'list', '--ids')).toMatchObject({ code: 0, stdout: `${id}\n` });
    expect(await run(home, standby.url, 'show', id)).toMatchObject({ code: 0 });
    writeFileSync(join(home, 'b.txt'), 'more');
    const writes = [
      ['upload', 'b.txt'],
      ['delete', id, '--yes'],
      ['extend', id, '--never'],
      ['purge-expired', '--yes'],
    ];
    for (const args of writes) {
      const refused = await run(home, standby.url, ...args);
      expect(refused.code, `${args[0]}: ${refused.stderr}`).toBe(5);
      expect(refused.stderr).toContain('Name the primary server');
      expect(refused.stderr).not.toContain('transaction is aborted');
    }
    const fetched = await run(home, standby.url, 'download', id, '-o', 'out.txt');
    expect(fetched).toMatchObject({ code: 0, stderr: expect.stringContaining('missing from the audit trail') });
    await standby.stop();
  });
});

async function start(data: string): Promise<{ url: string; stop(): Promise<void> }> {
  const started = await startPostgres({ data });
  if (started === null) throw new Error(postgres.install);
  onTestFinished(() => started.server.stop());
  return { url: started.service.url, stop: () => started.server.stop() };
}

function run(home: string, database: string, ...args: string[]): Promise<ProgramResult> {
  return runProgram(home, args, { env: { ASSET_CLI_DATABASE: database, ASSET_CLI_ROLE: 'operator' } });
}
