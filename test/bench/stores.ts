import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateStore, type StorePlan } from '../support/generate-store.ts';

/**
 * A folder with a generated catalog, its LOCAL store, and a configuration that names them by relative paths, so that
 * copies of it work alike. Kept between runs: a million files take minutes.
 */
export async function preparedStore(folder: string, name: string, plan: StorePlan): Promise<string> {
  const cache = join(folder, 'stores');
  mkdirSync(cache, { recursive: true });
  const ready = join(cache, `${name}-${plan.assets}`);
  if (existsSync(ready)) return ready;
  const unfinished = `${ready}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  await generateStore(unfinished, plan);
  writeFileSync(join(unfinished, 'config.yaml'), CONFIGURATION, { mode: 0o600 });
  renameSync(unfinished, ready);
  return ready;
}

const CONFIGURATION = `database: sqlite:./assets.db
backends: { local: { provider: LOCAL, path: ./storage } }
identity: { organization: default, role: operator }
`;
