import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.ts';
import { openBackend } from '../../src/storage/open.ts';

/** S3 whose every request meets `answer`, for what no real server can be brought to do. Ends with the test. */
export async function openBareS3(answer: RequestListener): Promise<StorageBackend> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const place = { bucket: 'b', region: 'r', endpoint, forcePathStyle: true };
  const backend = await openBackend({ name: 's3', provider: 'AWS_S3', ...place }, { connect: 5000, deadline: 20_000 });
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await backend.close();
    server.closeAllConnections();
    server.close();
  });
  return backend;
}
