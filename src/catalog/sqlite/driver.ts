import type BetterSqlite3 from 'better-sqlite3';

/** The Node-API that version 13 of the driver is built for; Node 22.14 is the first to have it. */
const NODE_API = 10;

export type Driver = typeof BetterSqlite3;

/**
 * better-sqlite3 13, or 12 where Node is too old for that: whether 12 works with newer ones depends on the headers that it
 * was compiled with (docs/decisions/0001-toolchain.md).
 * @throws Error MODULE_NOT_FOUND or ERR_DLOPEN_FAILED if neither is there, or not for this Node
 */
export async function loadDriver(): Promise<Driver> {
  if (Number(process.versions['napi']) < NODE_API) return (await import('better-sqlite3')).default;
  return (await import('better-sqlite3-13')).default;
}
