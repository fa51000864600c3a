/** The package `better-sqlite3` in a later version, under a name of its own; its types are the same. */
declare module 'better-sqlite3-13' {
  export { default } from 'better-sqlite3';
}
