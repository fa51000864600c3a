import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/open.ts';
import { postgres, startPostgres } from '../support/services/postgres.ts';
import { temporaryFolder } from '../support/services/server.ts';
import { requireTool } from '../support/tools.ts';

const NOBODY = 65534;
const openssl = requireTool('openssl', ['version'], 'apt-get install openssl');

/** A server with a certificate for `localhost` from an authority of its own, and the certificate of another authority. */
async function startEncrypted() {
  const folder = await temporaryFolder('postgres-tls');
  const sign = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  for (const name of ['own', 'other']) {
    sign('req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  }
  sign('req', ...key.slice(0, 3), '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost\n');
  const authority = ['-CA', 'own.crt', '-CAkey', 'own.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  sign('x509', '-req', '-in', 'server.csr', ...authority, '-out', 'server.crt');
  for (const name of readdirSync(folder)) {
    chmodSync(join(folder, name), 0o600);
    if (process.getuid?.() === 0) chownSync(join(folder, name), NOBODY, NOBODY);
  }
  const files = [`ssl_cert_file=${folder}/server.crt`, `ssl_key_file=${folder}/server.key`];
  const started = await startPostgres({ data: join(folder, 'data'), settings: ['ssl=on', ...files] });
  if (started === null) throw new Error(postgres.install);
  return { folder, server: started.server, port: new URL(started.service.url).port };
}

describe.skipIf(openssl.missing)('PostgreSQL over TLS', () => {
  let running: Awaited<ReturnType<typeof startEncrypted>>;
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);

  beforeAll(async () => {
    running = await startEncrypted();
    process.on('warning', note);
  });
  afterAll(async () => {
    process.off('warning', note);
    await running.server.stop();
    await rm(running.folder, { recursive: true, force: true });
  });

  /** Whether the connection is encrypted; the code of the refusal otherwise. */
  async function connect(host: string, query: string, environment: Record<string, string> = {}): Promise<string> {
    const url = `postgres://postgres@${host}:${running.port}/postgres?${query.replaceAll('DIR', running.folder)}`;
    const home = { HOME: join(running.folder, 'nobody-home'), ...environment };
    try {
      const catalog = await openCatalog(url, { lockTimeout: 2000, migrate: 'auto', environment: home });
      await catalog.close();
      return 'opened';
    } catch (error) {
      if (error instanceof Error && 'code' in error) return String(error.code);
      throw error;
    }
  }

  it.each([
    ['localhost', 'sslmode=require', 'opened'],
    ['127.0.0.1', 'sslmode=require', 'opened'],
    ['localhost', 'sslmode=prefer', 'opened'],
    ['localhost', 'sslmode=disable', 'opened'],
    ['localhost', 'sslmode=verify-full&sslrootcert=DIR/own.crt', 'opened'],
    ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=DIR/own.crt', 'opened'],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert=DIR/own.crt', 'DATABASE_UNUSABLE'],
    ['localhost', 'sslmode=verify-full&sslrootcert=DIR/other.crt', 'DATABASE_UNUSABLE'],
    ['localhost', 'sslmode=verify-ca&sslrootcert=DIR/other.crt', 'DATABASE_UNUSABLE'],
    // As libpq: an authority that is named is asked even by `require`.
    ['localhost', 'sslmode=require&sslrootcert=DIR/other.crt', 'DATABASE_UNUSABLE'],
    ['localhost', 'sslmode=verify-full&sslrootcert=system', 'DATABASE_UNUSABLE'],
    ['localhost', 'sslmode=verify-full&sslrootcert=DIR/none.crt', 'CONFIG_INVALID'],
  ])('%s with %s: %s', async (host, query, outcome) => {
    expect(await connect(host, query)).toBe(outcome);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['127.0.0.1', 'own.crt', "does not match certificate's altnames"],
    ['localhost', 'other.crt', 'unable to verify the first certificate'],
  ])('says why %s is not trusted with %s', async (host, certificate, reason) => {
    const url = `postgres://postgres@${host}:${running.port}/postgres?sslmode=verify-full&sslrootcert=${running.folder}/${certificate}`;
    const refusal = { message: expect.stringMatching(new RegExp(`over TLS: .*${reason}`)) };
    await expect(openCatalog(url, { lockTimeout: 2000, migrate: 'auto' })).rejects.toMatchObject(refusal);
  });

  it('takes PGSSLMODE and PGSSLROOTCERT, and the authority in ~/.postgresql', async () => {
    const other = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: join(running.folder, 'other.crt') };
    expect(await connect('localhost', '', other)).toBe('DATABASE_UNUSABLE');
    expect(await connect('localhost', '', { ...other, PGSSLROOTCERT: join(running.folder, 'own.crt') })).toBe('opened');
    const home = join(running.folder, 'home');
    mkdirSync(join(home, '.postgresql'), { recursive: true });
    execFileSync('cp', [join(running.folder, 'own.crt'), join(home, '.postgresql', 'root.crt')]);
    expect(await connect('localhost', 'sslmode=verify-full')).toBe('DATABASE_UNUSABLE');
    expect(await connect('localhost', 'sslmode=verify-full', { HOME: home })).toBe('opened');
    // Else whoever owns the working directory would choose whom to trust where HOME is empty.
    const fromHere = relative(process.cwd(), home);
    expect(await connect('localhost', 'sslmode=verify-full', { HOME: fromHere })).toBe('DATABASE_UNUSABLE');
  });
});
