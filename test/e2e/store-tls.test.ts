import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { s3Definition } from '../support/cloud-stores.ts';
import { createBucket, describeWithService } from '../support/services/index.ts';
import { createStoreHome } from '../support/store-homes.ts';
import { requireTool } from '../support/tools.ts';
import { temporaryDirectory } from '../support/workspace.ts';

const SEVERAL_PARTS = 20 * 2 ** 20;
const openssl = requireTool('openssl', ['version'], 'apt-get install openssl');

/** Speaks TLS in front of a server that does not, by a certificate for `localhost` that nobody knows. */
async function encrypt(plain: string): Promise<{ port: number; certificate: string }> {
  const folder = await temporaryDirectory();
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names, ...files], {
    stdio: 'ignore',
  });
  const sockets = new Set<Socket>();
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (socket) => {
    const behind = connect(Number(new URL(plain).port), '127.0.0.1');
    for (const each of [socket, behind]) sockets.add(each.on('error', () => undefined));
    socket.pipe(behind).pipe(socket);
  });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, certificate };
}

await describeWithService('s3', 'a store behind TLS', (s3) => {
  it.skipIf(openssl.missing)(
    'is read and written whose certificate is trusted, and refused with the reason',
    async () => {
      const { port, certificate } = await encrypt(s3.url);
      const bucket = await createBucket('s3');
      const at = (host: string) => s3Definition({ ...s3, url: `https://${host}:${port}` }, bucket);
      const env = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey };
      const trusting = { env: { NODE_EXTRA_CA_CERTS: certificate } };
      const home = await createStoreHome(env, [at('localhost')]);
      const content = randomBytes(SEVERAL_PARTS / 2).toString('hex');
      writeFileSync(join(home.home, 'large.txt'), content);
      const upload = ['upload', 'large.txt', '--no-compress', '--json'];

      expect(await home.run(upload)).toMatchObject({ code: 3, stderr: expect.stringContaining('is not trusted') });
      home.configure([at('127.0.0.1')]);
      expect(await home.run(upload, trusting)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('is for another host'),
      });
      home.configure([at('localhost')]);
      const uploaded = await home.run(upload, trusting);
      expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });
      const downloaded = await home.run(['download', '--all', '-o', 'back'], trusting);
      expect(downloaded, downloaded.stderr).toMatchObject({ code: 0 });
      expect(readFileSync(join(home.home, 'back', 'large.txt'), 'utf8') === content).toBe(true);
    },
  );
});
