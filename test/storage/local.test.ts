import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalBackend } from '../../src/storage/local/local-backend.ts';
import { withRetries } from '../../src/storage/retry.ts';
import { describeStorage } from '../conformance/storage.ts';

const traits = { multipartBytes: 5 * 1024 * 1024 + 1, keysAreDirectories: true, keepsNoHeaders: true };

describeStorage('LOCAL', { open: async () => openLocalBackend(await freshDefinition()), traits });

describeStorage('LOCAL behind retries', {
  open: async () => withRetries(openLocalBackend(await freshDefinition()), { deadline: 1000 }),
  traits,
});

async function freshDefinition() {
  return { name: 'local', path: await realpath(await mkdtemp(join(tmpdir(), 'asset-cli-local-'))) };
}
