import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED, generateCatalog } from '../support/generate-catalog.ts';
import { PROGRAM } from '../support/program.ts';
import type { Benchmark, BenchOptions } from './benchmark.ts';
import { ASSET_CLI, compare, environment } from './compare.ts';
import { schemaVersion } from './stores.ts';

/** One of each filter, and those sorts and pages that need another index. */
const LISTS: readonly string[] = [
  '',
  '--type SEO_REPORT',
  '--type BACKUP_FILE',
  `--project ${GENERATED.project}`,
  `--user ${GENERATED.user}`,
  '--backend archive',
  '--status trashed',
  '--status quarantined',
  '--scan-status CLEAN',
  '--scan-status INFECTED',
  '--name seo_report-00*',
  '--name no-such-name*',
  `--tag ${GENERATED.tag}`,
  '--public',
  '--expired',
  '--expires-before 2025-01-01',
  '--created-before 2025-01-01',
  '--created-after 2025-01-01',
  '--min-size 13000000',
  '--max-size 110',
  '--sort name',
  '--sort -size',
  '--sort expires',
  '--sort -size --type LLM_TXT',
];

export const catalogReads: Benchmark = {
  name: 'catalog-reads',
  target: 'list and show on 1,000,000 assets take at most 2.5 × node -e 0, with any one filter, on any page',
  async run(options) {
    const database = await preparedDatabase(options);
    const env = environment(options, { ASSET_CLI_DATABASE: `sqlite:${database}` });
    const { id, cursor } = deepInside(env);
    const lists = [...LISTS, `--after ${cursor}`].map((filter) => `list ${filter}`.trim());
    const commands = [...lists, `show ${id}`, `show ${id.slice(0, 13)}`].map((line) => ({
      name: line.length > 60 ? `${line.slice(0, 57)}...` : line,
      command: `${ASSET_CLI} ${line}`,
    }));
    const yardstick = { name: 'node -e 0', command: 'node -e 0' };
    return compare(options, { yardstick, maxRatio: 2.5, commands }, env);
  },
};

/** Kept between runs, as long as the schema and the generator stay: a million assets take a minute. */
async function preparedDatabase({ folder, assets }: BenchOptions): Promise<string> {
  const cache = join(folder, 'catalogs');
  mkdirSync(cache, { recursive: true });
  const database = join(cache, `assets-${assets}-${schemaVersion('generate-catalog.ts')}.db`);
  if (existsSync(database)) return database;
  for (const outdated of readdirSync(cache).filter((name) => name.startsWith(`assets-${assets}-`)))
    rmSync(join(cache, outdated));
  const unfinished = `${database}.${process.pid}`;
  await generateCatalog(unfinished, { assets });
  renameSync(unfinished, database);
  return database;
}

/** An asset, and the cursor of a page, in the middle of it all. */
function deepInside(env: Record<string, string>): { id: string; cursor: string } {
  const middle = new Date(Date.now() - 1.5 * 365 * 86_400_000).toISOString();
  const args = [PROGRAM, 'list', '--created-before', middle, '--json'];
  const page = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
  return { id: page.assets[0].id, cursor: page.nextCursor };
}
