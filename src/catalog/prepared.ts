import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { Session, SqlDialect } from './database.ts';

interface Compilable<Row> {
  compile(): CompiledQuery<Row>;
}

/** A number for LIMIT or OFFSET, as an expression: SQLite plans a statement anew whenever a bare one is bound. */
export function upTo(count: number): RawBuilder<number> {
  return sql<number>`(${count} + 0)`;
}

/** Stands for a parameter while the query is compiled; no value that is asked for looks like it. */
const MARK = '\u0000parameter ';

/**
 * A query that is asked at every request of a server: building and compiling it would take longer than the answer.
 * `build` sees a mark in place of each parameter, and may only compare with it.
 */
export function prepared<Row>(
  build: (session: Session, parameters: readonly string[]) => Compilable<Row>,
  count: number,
): (session: Session, parameters: readonly string[]) => Promise<readonly Row[]> {
  const marks = Array.from({ length: count }, (_, index) => `${MARK}${index}`);
  const compiled = new WeakMap<SqlDialect, CompiledQuery<Row>>();
  return (session, parameters) => {
    const query = compiled.get(session.dialect) ?? build(session, marks).compile();
    compiled.set(session.dialect, query);
    const values = query.parameters.map((value) => {
      const index = typeof value === 'string' ? marks.indexOf(value) : -1;
      return index === -1 ? value : parameters[index];
    });
    return session.run<Row>({ ...query, parameters: values });
  };
}
