import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OwnClamd, startOwnClamd } from '../support/own-clamd.ts';
import { runProgram } from '../support/program.ts';
import { EICAR } from '../support/services/clamd.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const SIGNATURE = 'Eicar-Test-Signature.UNOFFICIAL';
const MIB = 2 ** 20;

await describeWithService('clamd', 'the virus scan of commands', () => {
  let clamd: OwnClamd;
  let home: string;

  beforeAll(async () => {
    clamd = await startOwnClamd({ StreamMaxLength: '1M' });
  });
  afterAll(() => clamd.stop());

  beforeEach(async () => {
    home = await temporaryDirectory();
    configure({ mode: 'auto' });
  });

  function configure(scan: object, more: object = {}): void {
    const settings = { scan: { clamd: { host: clamd.host, port: clamd.port }, ...scan }, ...more };
    writeFileSync(join(home, 'asset-cli.config.json'), JSON.stringify(settings), { mode: 0o600 });
  }

  const run = (...args: string[]) => runProgram(home, args);

  async function json(...args: string[]) {
    const { stdout, stderr, code } = await run(...args, '--json');
    return { code, stderr, value: stdout === '' ? undefined : JSON.parse(stdout) };
  }

  async function uploadUnscanned(name: string, content: string): Promise<string> {
    configure({ mode: 'off' });
    writeFileSync(join(home, name), content);
    const { value } = await json('upload', name);
    configure({ mode: 'auto' });
    expect(value.assets[0].virusScanStatus).toBe('PENDING');
    return value.assets[0].id;
  }

  test('refuses what is infected with 7 and its signature, in text, JSON and the audit trail, and stores nothing', async () => {
    writeFileSync(join(home, 'bad.txt'), EICAR);
    const text = await run('upload', 'bad.txt');
    expect(text.code).toBe(7);
    expect(text.stderr).toContain(SIGNATURE);
    const { code, value } = await json('upload', 'bad.txt');
    expect(code).toBe(7);
    expect(value.failed).toMatchObject([{ source: 'bad.txt', code: 'VIRUS_FOUND', signature: SIGNATURE }]);
    expect((await json('list')).value.assets).toEqual([]);
    const { events } = (await json('audit')).value;
    expect(events[0]).toMatchObject({ action: 'uploaded', outcome: 'refused', details: { signature: SIGNATURE } });
  });

  test('finds with 7 what is stored, hands it out no more, and lets an admin release it', async () => {
    const bad = await uploadUnscanned('bad.txt', EICAR);
    const good = await uploadUnscanned('good.txt', 'nothing bad');
    const text = await run('scan');
    expect(text.code, text.stderr).toBe(7);
    expect(text.stdout).toContain(SIGNATURE);
    expect(text.stderr).toContain('1 clean');
    for (const command of [
      ['download', bad, '-o', '-'],
      ['sign', bad],
    ]) {
      expect(await run(...command)).toMatchObject({ code: 7, stdout: '' });
    }
    expect((await json('list', '--status', 'quarantined')).value.assets).toMatchObject([
      { id: bad, virusScanStatus: 'INFECTED', virusScanResult: SIGNATURE, status: 'quarantined' },
    ]);
    expect(await run('download', good, '-o', '-')).toMatchObject({ code: 0, stdout: 'nothing bad' });
    expect(await run('scan', '--all')).toMatchObject({ code: 7 });
    expect(await run('restore', bad, '--role', 'member')).toMatchObject({ code: 5 });
    const refused = await run('restore', bad, '--role', 'member');
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('An admin of its organisation') });
    expect((await json('restore', bad, '--role', 'admin')).value).toMatchObject({ id: bad, status: 'active' });
    const again = await json('scan', '--all');
    expect(again.value.summary).toMatchObject({ quarantined: 0 });
  });

  test('judges a local file, and says so in its exit status', async () => {
    writeFileSync(join(home, 'bad.txt'), EICAR);
    writeFileSync(join(home, 'good.txt'), 'nothing bad');
    const bad = await json('scan', '--file', 'bad.txt');
    expect(bad).toMatchObject({ code: 7, value: { findings: [{ verdict: 'INFECTED', signature: SIGNATURE }] } });
    expect(await json('scan', '--file', 'good.txt')).toMatchObject({ code: 0, value: { summary: { clean: 1 } } });
    expect((await json('list')).value.assets).toEqual([]);
  });

  test('judges standard input, whatever it is and however much', async () => {
    const judged = async (input: string | Buffer) => {
      const { code, stdout } = await runProgram(home, ['scan', '--file', '-', '--json'], { input });
      return { code, ...JSON.parse(stdout).summary };
    };
    expect(await judged(EICAR)).toMatchObject({ code: 7, infected: 1, bytes: EICAR.length });
    expect(await judged('nothing bad')).toMatchObject({ code: 0, clean: 1 });
    expect(await judged(Buffer.from('%PDF-not really \0\u0001'))).toMatchObject({ code: 0, infected: 0 });
    expect(await judged('large '.repeat(MIB / 4))).toMatchObject({ code: 0, pending: 1, bytes: 6 * (MIB / 4) });
  });

  test('asks before it deletes, and then deletes', async () => {
    writeFileSync(join(home, 'good.txt'), 'judged already');
    expect((await json('upload', 'good.txt')).value.assets).toMatchObject([{ virusScanStatus: 'CLEAN' }]);
    expect(await run('scan', '--on-infected', 'delete'), 'nothing is without a verdict').toMatchObject({ code: 0 });
    const bad = await uploadUnscanned('bad.txt', EICAR);
    const asked = await run('scan', '--on-infected', 'delete');
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('Scan 1 asset (68 B) and delete') });
    expect((await run('scan', '--all', '--on-infected', 'delete')).stderr).toContain('Scan 2 assets (82 B) and delete');
    const stale = await run('scan', '--stale', '--on-infected', 'delete');
    expect(stale.stderr).toContain('Scan what older signatures have judged of 2 assets (82 B), and delete');
    const { code, value, stderr } = await json('scan', '--on-infected', 'delete', '--yes');
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringContaining('audit --action deleted') });
    expect(value).toMatchObject({ findings: [{ action: 'deleted', assetIds: [bad] }], summary: { deleted: 1 } });
    expect(await run('show', bad)).toMatchObject({ code: 4 });
  });

  test('never calls clean what clamd does not take, and refuses it where a verdict is required', async () => {
    writeFileSync(join(home, 'large.txt'), 'large '.repeat(MIB / 4));
    const { code, value } = await json('upload', 'large.txt');
    expect(code).toBe(0);
    expect(value.assets).toMatchObject([{ virusScanStatus: 'PENDING', virusScanResult: expect.stringMatching(/./) }]);
    const { id } = value.assets[0];
    configure({ mode: 'required' });
    writeFileSync(join(home, 'larger.txt'), 'larger '.repeat(MIB / 4));
    expect(await run('upload', 'larger.txt')).toMatchObject({ code: 6 });
    const examined = await json('scan', '--file', 'larger.txt');
    expect(examined).toMatchObject({ code: 6, stderr: expect.stringContaining('NOT_SCANNABLE') });
    expect(examined.value.summary).toMatchObject({ pending: 1, clean: 0 });
    const refused = await run('download', id, '-o', '-');
    expect(refused).toMatchObject({ code: 5, stdout: '', stderr: expect.stringContaining('asset-cli doctor') });
  });

  test('doctor finds it an error where a verdict is required and clamd can give none', async () => {
    const silent = await startOwnClamd({ AlertExceedsMax: 'no' });
    try {
      const address = { clamd: { host: silent.host, port: silent.port } };
      for (const [mode, exit, status] of [
        ['auto', 0, 'warning'],
        ['required', 3, 'error'],
      ] as const) {
        configure({ mode, ...address });
        const { code, value } = await json('doctor');
        const alerts = value.checks.find(({ name }: { name: string }) => name === 'scanner alerts');
        expect({ mode, code, alerts }).toMatchObject({ mode, code: exit, alerts: { status } });
      }
    } finally {
      await silent.stop();
    }
  });

  test('without a scanner that is required nothing is stored; doctor says so, and compares the limits', async () => {
    const limits = await json('doctor');
    const finding = limits.value.checks.find(({ name }: { name: string }) => name === 'scanner limit');
    expect(finding).toMatchObject({ status: 'warning', message: expect.stringContaining('1.0 MiB') });
    configure({ mode: 'required', clamd: { host: '127.0.0.1', port: 1 } });
    writeFileSync(join(home, 'good.txt'), 'nothing bad');
    expect(await run('upload', 'good.txt')).toMatchObject({ code: 8 });
    expect((await json('list')).value.assets).toEqual([]);
    const { code, value } = await json('doctor');
    expect(code).toBe(8);
    expect(value.checks.at(-1)).toMatchObject({ name: 'scanner', status: 'error' });
  });

  test('shows names that would turn the reading direction around escaped', async () => {
    mkdirSync(join(home, 'in'));
    writeFileSync(join(home, 'in', 'rtl\u202etxt.exe.txt'), EICAR);
    const { stdout, stderr } = await run('upload', 'in');
    expect(stdout + stderr).not.toContain('\u202e');
    expect(stderr).toContain('\\u{202e}');
    expect(readdirSync(join(home, 'in'))).toHaveLength(1);
  });
});

await describeWithService('s3', 'active content', (s3) => {
  test.each([
    ['page.html', '<!doctype html><html><body>hello</body></html>', 'text/html'],
    ['logo.svg', '<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>', 'image/svg+xml'],
  ])('%s is refused by default, and never shown inline where it is allowed', async (name, content, mimeType) => {
    const home = await temporaryDirectory();
    writeFileSync(join(home, name), content);
    expect(await runProgram(home, ['upload', name])).toMatchObject({ code: 6 });
    const bucket = await createBucket('s3');
    const backend = { provider: 'AWS_S3', bucket, endpoint: s3.url, region: s3.region, forcePathStyle: true };
    const settings = { backends: { s3: backend }, limits: { allowedMimeTypes: [mimeType] } };
    writeFileSync(join(home, 'asset-cli.config.json'), JSON.stringify(settings), { mode: 0o600 });
    const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
    const uploaded = await runProgram(home, ['upload', name, '--json'], { env });
    expect(uploaded.code, uploaded.stderr).toBe(0);
    const { id } = JSON.parse(uploaded.stdout).assets[0];
    const signed = await runProgram(home, ['sign', id, '--inline', '--json'], { env });
    const response = await fetch(JSON.parse(signed.stdout).url);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/);
    await response.body?.cancel();
  });
});
