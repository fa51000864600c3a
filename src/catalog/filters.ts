import { type RawBuilder, sql } from 'kysely';
import type { AssetStatus } from '../core/asset.ts';
import { parseTime } from '../core/calendar.ts';
import type { AssetFilter } from './catalog.ts';
import type { SqlDialect } from './database.ts';
import { afterPrefix, isPrefix, literalPrefix, parseGlob } from './glob.ts';
import type { AssetTables } from './tables.ts';

export type Condition = RawBuilder<boolean>;
export type RangeName = 'size' | 'name' | 'expiry';

/** The same conditions twice: so that an index may serve them, and so that none can. */
export interface ConditionGroup {
  shown: Condition[];
  hidden: Condition[];
}

/** The span of creation: both of its ends, and each alone. */
export interface CreatedConditions extends ConditionGroup {
  from: ConditionGroup;
  to: ConditionGroup;
}

/** The conditions of a filter, by the kind of index that serves them. */
export interface FilterParts {
  /** Columns that have one value: any of their indexes keeps the order of creation. */
  equality: ConditionGroup;
  ranges: Record<RangeName, ConditionGroup>;
  /** The ranges that the user asked for; that expired assets are left out is not one. */
  asked: readonly RangeName[];
  created: CreatedConditions;
  tags: readonly (readonly [name: string, value: string])[];
  /** The glob over names where its beginning, a range, does not say all; the index of names holds what it looks at. */
  glob: Condition[];
  /** The status that no index is for; those of ranges hold it. */
  active: Condition[];
  /** Conditions that no index serves. */
  rest: Condition[];
}

export type AssetColumn = keyof AssetTables['assets'];

export function assetColumn(name: AssetColumn): RawBuilder<unknown> {
  return sql.ref(`assets.${name}`);
}

export function filterParts(dialect: SqlDialect, filter: AssetFilter): FilterParts {
  const parts: FilterParts = {
    equality: equalityConditions(dialect, filter),
    ranges: {
      size: sizeConditions(dialect, filter),
      name: nameConditions(dialect, filter),
      expiry: expiryConditions(dialect, filter),
    },
    asked: [],
    created: createdConditions(dialect, filter),
    tags: Object.entries(filter.tags ?? {}),
    glob: globConditions(dialect, filter),
    active: (filter.status ?? 'active') === 'active' ? [sql<boolean>`assets.status = 'active'`] : [],
    rest: filter.isPublic === false ? [sql<boolean>`assets.is_public = false`] : [],
  };
  return { ...parts, asked: askedRanges(filter, parts) };
}

export function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

/** By the whole key of the tag's row. */
export function hasTag([name, value]: readonly [name: string, value: string]): Condition {
  return sql<boolean>`exists (
    select 1 from asset_tags as x
    where x.organization_id = assets.organization_id and x.name = ${name} and x.value = ${value}
      and x.created_at = assets.created_at and x.asset_id = assets.id)`;
}

/** A time of the catalog, so many seconds later. */
export function secondsAfter(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1000).toISOString();
}

type HiddenKind = 'text' | 'int' | 'time';
type Operator = '=' | '<' | '<=' | '>' | '>=';

function group(
  dialect: SqlDialect,
  column: AssetColumn,
  kind: HiddenKind,
  tests: readonly (readonly [Operator, unknown])[],
): ConditionGroup {
  const shown = assetColumn(column);
  const hidden = dialect.withoutIndex(`assets.${column}`, kind);
  const test = (left: RawBuilder<unknown>) =>
    tests.map(([operator, right]) => sql<boolean>`${left} ${sql.raw(operator)} ${right}`);
  return { shown: test(shown), hidden: test(hidden) };
}

function merge(groups: readonly ConditionGroup[]): ConditionGroup {
  return { shown: groups.flatMap((one) => one.shown), hidden: groups.flatMap((one) => one.hidden) };
}

function equalityConditions(dialect: SqlDialect, filter: AssetFilter): ConditionGroup {
  const values: readonly (readonly [AssetColumn, string | undefined])[] = [
    ['asset_type', filter.assetType],
    ['project_id', filter.projectId],
    ['user_id', filter.userId],
    ['backend', filter.backend],
    ['virus_scan_status', filter.scanStatus],
  ];
  const groups = values
    .filter(([, value]) => value !== undefined)
    .map(([column, value]) => group(dialect, column, 'text', [['=', value]]));
  const status = filter.status ?? 'active';
  if (status !== 'any' && status !== 'active') groups.push(rareStatus(dialect, status));
  if (filter.isPublic === true) groups.push(publicOnly());
  return merge(groups);
}

/** The index holds what is not active; SQLite sees that it fits only if the query says so in the same words. */
function rareStatus(dialect: SqlDialect, status: AssetStatus): ConditionGroup {
  const one = group(dialect, 'status', 'text', [['=', status]]);
  if (dialect.derivesConditions) return one;
  return { shown: [...one.shown, sql<boolean>`assets.status <> 'active'`], hidden: one.hidden };
}

function publicOnly(): ConditionGroup {
  return { shown: [sql<boolean>`assets.is_public = true`], hidden: [sql<boolean>`(assets.is_public or false)`] };
}

function sizeConditions(dialect: SqlDialect, filter: AssetFilter): ConditionGroup {
  const tests: (readonly [Operator, unknown])[] = [];
  if (filter.minSize !== undefined) tests.push(['>=', filter.minSize]);
  if (filter.maxSize !== undefined) tests.push(['<=', filter.maxSize]);
  return group(dialect, 'file_size', 'int', tests);
}

function nameConditions(dialect: SqlDialect, filter: AssetFilter): ConditionGroup {
  const prefix = literalPrefix(parseGlob(filter.nameGlob ?? ''));
  if (prefix === '') return { shown: [], hidden: [] };
  const after = afterPrefix(prefix);
  return group(dialect, 'original_filename', 'text', [
    ['>=', prefix],
    ...(after === undefined ? [] : [['<', after] as const]),
  ]);
}

function expiryConditions(dialect: SqlDialect, filter: AssetFilter): ConditionGroup {
  const tests: (readonly [Operator, unknown])[] = [];
  const expired = filter.expired ?? 'exclude';
  if (expired === 'exclude') tests.push(['>', dialect.now]);
  if (expired === 'only') tests.push(['<=', dialect.now]);
  if (filter.expiresBefore !== undefined) tests.push(['<', parseTime(filter.expiresBefore)]);
  return group(dialect, 'expires_sort', 'time', tests);
}

function createdConditions(dialect: SqlDialect, filter: AssetFilter): CreatedConditions {
  const end = (operator: Operator, time: string | undefined) =>
    group(dialect, 'created_at', 'time', time === undefined ? [] : [[operator, parseTime(time)]]);
  const from = end('>=', filter.createdAfter);
  const to = end('<', filter.createdBefore);
  return { ...merge([from, to]), from, to };
}

function globConditions(dialect: SqlDialect, filter: AssetFilter): Condition[] {
  if (filter.nameGlob === undefined) return [];
  const tokens = parseGlob(filter.nameGlob);
  return isPrefix(tokens) ? [] : [dialect.matchesGlob('assets.original_filename', tokens)];
}

function askedRanges(filter: AssetFilter, parts: FilterParts): RangeName[] {
  const names: RangeName[] = [];
  if (parts.ranges.name.shown.length > 0) names.push('name');
  if (parts.ranges.size.shown.length > 0) names.push('size');
  if (filter.expired === 'only' || filter.expiresBefore !== undefined) names.push('expiry');
  return names;
}
