// Builds the servers for tests that come as Go programs, into the cache where test/support/services looks for them.
// One at a time, and only what is not there yet. `npm run install-services`; `.ci/run` calls it too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAMS = [
  { name: 'versitygw', module: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0' },
  { name: 'fake-gcs-server', module: 'github.com/fsouza/fake-gcs-server@v1.56.1' },
  { name: 'toxiproxy-server', module: 'github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0' },
];

const cache = process.env.ASSET_CLI_TEST_CACHE ?? fileURLToPath(new URL('../.cache/bin', import.meta.url));
const path = [process.env.PATH ?? '', '/usr/local/go/bin'].join(delimiter);
mkdirSync(cache, { recursive: true });

const missing = PROGRAMS.filter(({ name }) => !existsSync(join(cache, name)));
const failed = missing.filter(({ name, module }) => !install(name, module));
if (failed.length > 0) {
  console.error(`not installed: ${failed.map(({ name }) => name).join(', ')} (is Go 1.25 or newer there?)`);
  process.exitCode = 1;
}

/** Builds in a folder of its own: toxiproxy calls its program `server`. */
function install(name, module) {
  console.error(`installing ${name}`);
  const folder = mkdtempSync(join(cache, 'building-'));
  const { status } = spawnSync('go', ['install', module], {
    env: { ...process.env, PATH: path, GOBIN: folder },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [program] = readdirSync(folder);
  if (status === 0 && program !== undefined) renameSync(join(folder, program), join(cache, name));
  rmSync(folder, { recursive: true, force: true });
  return status === 0 && program !== undefined;
}
