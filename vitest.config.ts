import { builtinModules } from 'node:module';
import { defineConfig } from 'vitest/config';

const PACKAGES_OF_MANY_FILES = ['@aws-sdk/client-s3', '@azure/storage-blob', 'kysely', 'pg'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most of the time they wait for servers and programs.
    maxWorkers: 2,
    globalSetup: ['test/support/services/global-setup.ts'],
    // They end what hangs. What is merely slow, on a machine that has other work, is no failure.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    teardownTimeout: 20_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One file each instead of hundreds: loading them was half of what a test file takes to begin.
    // With Node's own modules, as they are shipped, and not the packages of the same names that lie in node_modules.
    deps: {
      optimizer: {
        ssr: { enabled: true, include: PACKAGES_OF_MANY_FILES, rolldownOptions: { external: [...builtinModules] } },
      },
    },
    restoreMocks: true,
    unstubEnvs: true,
  },
});
