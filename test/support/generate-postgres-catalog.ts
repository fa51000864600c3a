import { runSql } from './postgres-databases.ts';

export interface PostgresPlan {
  assets: number;
  organizations: number;
}

/**
 * Fills an empty, migrated PostgreSQL catalog (by the login that owns it) with assets of many organisations over three
 * years, a fifth of them `org-0`'s and the rest spread evenly over `org-1` and so on: types that are common and rare, projects, users, tags,
 * public, trashed, expired ones. The indexes are made afterwards. A million assets take about a minute.
 */
export async function generatePostgresCatalog(url: string, plan: PostgresPlan): Promise<void> {
  const indexes = await runSql(
    url,
    `select indexname, indexdef from pg_indexes i where schemaname = 'public'
     and tablename in ('assets', 'objects', 'content_verdicts', 'asset_tags')
     and not exists (select 1 from pg_constraint c where c.conname = i.indexname)`,
  );
  const drops = indexes.map((row) => `drop index ${String(row['indexname'])};`).join('\n');
  const creations = indexes.map((row) => `${String(row['indexdef'])};`).join('\n');
  const settings = `set synchronous_commit = off; set maintenance_work_mem = '256MB'; set session_replication_role = replica;`;
  await runSql(url, `${settings} ${drops}`);
  for (let first = 1; first <= plan.assets; first += CHUNK) await runSql(url, `${settings} ${fill(plan, first)}`);
  await runSql(url, `${settings} ${creations}`);
  await runSql(url, 'vacuum (analyze)');
}

/** Assets a transaction: what it sorts and spills stays small. */
const CHUNK = 500_000;

/** `i` spread over 0 to 9999, differently for each k. */
const dice = (k: number) => `(hashint4extended(i, ${k}) & 2147483647) % 10000`;
const uuid = (k: number) => `md5(i || '/${k}')::uuid`;

function fill({ assets, organizations }: PostgresPlan, first: number): string {
  return `
    create temp table plan as
      select i, 'org-' || case when i % 5 = 0 then 0 else 1 + i % ${organizations - 1} end as org, now() - interval '3 years' * (1 - i::float8 / ${assets}) as created,
        ${uuid(1)} as object_id, ${uuid(2)} as asset_id, md5(i || 'a') || md5(i || 'b') as sha,
        case when ${dice(1)} < 4000 then 'SEO_REPORT' when ${dice(1)} < 9000 then 'DOCUMENT_UPLOAD'
          when ${dice(1)} < 9990 then 'EXPORT_FILE' else 'BACKUP_FILE' end as type,
        ${dice(2)} < 200 as public, case when ${dice(3)} < 500 then 'archive' else 'local' end as backend,
        (100 << (${dice(4)} % 18)::int) + ${dice(13)} % 50 as size, 'user-' || ${dice(5)} % 200 as user_id,
        case when ${dice(6)} < 6000 then 'project-' || ${dice(6)} % 300 end as project,
        case when ${dice(7)} < 500 then now() - interval '10 days' when ${dice(7)} < 1500 then now() + interval '1 day' * (${dice(8)} % 700) end as expires,
        case when ${dice(9)} < 100 then now() end as trashed,
        case when ${dice(10)} < 2000 then jsonb_build_object('branch', 'feature-' || ${dice(10)} % 100) else '{}' end as tags
      from generate_series(${first}, ${Math.min(assets, first + CHUNK - 1)}) as i;
    insert into content_verdicts (organization_id, sha256, status, created_at, updated_at)
      select org, sha, case when ${dice(12)} < 10 then 'CLEAN' else 'PENDING' end, created, created from plan;
    insert into objects (id, organization_id, backend, storage_provider, storage_path, size, sha256, stored_size, etag,
      is_public, state, claim, lease_expires_at, created_at, updated_at)
      select object_id, org, backend, 'LOCAL', case when public then 'public/' else '' end || org || '/' || asset_id || '.txt',
        size, sha, size, 'etag', public, 'STORED', null, null, created, created from plan;
    insert into assets (id, object_id, filename, original_filename, file_size, mime_type, file_hash, asset_type,
      storage_provider, backend, storage_path, user_id, organization_id, project_id, is_public, is_processed,
      virus_scan_status, expires_at, download_count, created_at, updated_at, tags, trashed_at)
      select asset_id, object_id, asset_id || '.txt', lower(type) || '-' || lpad((${dice(11)} * 1000 + i % 1000)::text, 7, '0') || '.txt', size, 'text/plain', sha,
        type, 'LOCAL', backend, case when public then 'public/' else '' end || org || '/' || asset_id || '.txt', user_id,
        org, project, public, true, case when ${dice(12)} < 10 then 'CLEAN' else 'PENDING' end, expires, 0, created, created,
        tags, trashed from plan;
    insert into asset_tags (asset_id, organization_id, name, value, created_at)
      select asset_id, org, 'branch', tags ->> 'branch', created from plan where tags <> '{}';
    drop table plan;`;
}
