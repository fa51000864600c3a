import { type RawBuilder, sql } from 'kysely';
import type { Asset } from '../../core/asset.ts';
import type { AssetQuery, SortField } from '../catalog.ts';
import { type CursorValues, decodeCursor, encodeCursor } from '../cursor.ts';
import type { SqlDialect } from '../database.ts';
import { assetColumn, type Condition } from '../filters.ts';
import { END_OF_TIME } from '../tables.ts';

/** The order of a list: the columns that are compared, one after the other, all in one direction. */
export interface AssetOrder {
  field: SortField;
  descending: boolean;
}

const SORT_COLUMN = {
  created: undefined,
  name: { column: 'original_filename', kind: 'text' },
  size: { column: 'file_size', kind: 'int' },
  expires: { column: 'expires_sort', kind: 'time' },
} as const;

/** The compared columns as expressions; `hidden` ones cannot be served by an index. */
export function orderColumns(dialect: SqlDialect, order: AssetOrder, hidden: boolean): RawBuilder<unknown>[] {
  const sort = SORT_COLUMN[order.field];
  const created = hidden ? dialect.withoutIndex('assets.created_at', 'time') : assetColumn('created_at');
  const tail = [created, assetColumn('id')];
  if (sort === undefined) return tail;
  const first = hidden ? dialect.withoutIndex(`assets.${sort.column}`, sort.kind) : assetColumn(sort.column);
  return [first, ...tail];
}

/** "After these values, in this order." */
export function afterCondition(
  columns: readonly RawBuilder<unknown>[],
  order: AssetOrder,
  values: CursorValues,
): Condition {
  const operator = sql.raw(order.descending ? '<' : '>');
  return sql<boolean>`(${sql.join(columns)}) ${operator} (${sql.join(values)})`;
}

/** "Up to and with these values": the far end of a stretch of the list. */
export function upToCondition(
  columns: readonly RawBuilder<unknown>[],
  order: AssetOrder,
  values: CursorValues,
): Condition {
  const operator = sql.raw(order.descending ? '>=' : '<=');
  return sql<boolean>`(${sql.join(columns)}) ${operator} (${sql.join(values)})`;
}

/** A part of a list: behind one key, up to and with another; undefined: from its beginning, to its end. */
export interface Window {
  after: CursorValues | undefined;
  end: CursorValues | undefined;
}

export function windowOf(
  columns: readonly RawBuilder<unknown>[],
  order: AssetOrder,
  { after, end }: Window,
): Condition[] {
  return [
    ...(after === undefined ? [] : [afterCondition(columns, order, after)]),
    ...(end === undefined ? [] : [upToCondition(columns, order, end)]),
  ];
}

/** What the order compares of an asset. */
export function orderValues(order: AssetOrder, asset: Asset): CursorValues {
  const tail = [asset.createdAt, asset.id];
  if (order.field === 'name') return [asset.originalFilename, ...tail];
  if (order.field === 'size') return [asset.fileSize, ...tail];
  if (order.field === 'expires') return [asset.expiresAt ?? END_OF_TIME, ...tail];
  return tail;
}

/** Compares keys as the database does: texts by their bytes. */
export function compareKeys(order: AssetOrder, a: CursorValues, b: CursorValues): number {
  for (const [index, value] of a.entries()) {
    const difference = compareValues(value, b[index] ?? '');
    if (difference !== 0) return order.descending ? -difference : difference;
  }
  return 0;
}

function compareValues(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

export function orderOf(query: AssetQuery): AssetOrder {
  return query.sort ?? { field: 'created', descending: true };
}

function listName(order: AssetOrder): string {
  return `assets:${order.field}:${order.descending ? 'desc' : 'asc'}`;
}

export function assetCursor(order: AssetOrder, last: CursorValues): string {
  return encodeCursor(listName(order), last);
}

/** @throws AssetError USAGE */
export function readAssetCursor(order: AssetOrder, cursor: string): CursorValues {
  const tail = ['time', 'uuid'] as const;
  const sort = SORT_COLUMN[order.field];
  return decodeCursor(listName(order), sort === undefined ? tail : [sort.kind, ...tail], cursor);
}
