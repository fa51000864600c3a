import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const SOURCE = resolve(import.meta.dirname, '../../node_modules/better-sqlite3');

/**
 * Packs the native module that `npm ci` made here as a prebuilt one, and tells the environment in which better-sqlite3's
 * install script finds it: its usual way, without compiling the same source once more, which takes minutes.
 */
export function prebuiltNativeModule(folder: string): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'));
  const platform = `node-v${process.versions.modules}-${process.platform}-${process.arch}`;
  const prebuilt = join(folder, 'prebuilt', `better-sqlite3-v${version}-${platform}.tar.gz`);
  mkdirSync(dirname(prebuilt), { recursive: true });
  execFileSync('tar', ['-czf', prebuilt, 'build/Release/better_sqlite3.node'], { cwd: SOURCE });
  return { npm_config_better_sqlite3_local_prebuilds: dirname(prebuilt) };
}
