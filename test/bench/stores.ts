import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

/** Changes with the schema and with the generator (a file of test/support): what was made by others is made anew. */
export function schemaVersion(generator: string): string {
  const migrations = resolve(import.meta.dirname, '../../src/catalog/migrations');
  const sources = readdirSync(migrations).map((name) => join(migrations, name));
  const hash = createHash('sha256');
  const generatorFile = resolve(import.meta.dirname, '../support', generator);
  for (const file of [...sources, generatorFile]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 8);
}

const CONFIGURATION = `database: sqlite:./assets.db
backends: { local: { provider: LOCAL, path: ./storage } }
identity: { organization: default, role: operator }
`;
