import { type Driver, loadDriver } from '../../src/catalog/sqlite/driver.ts';

/** The driver that the program uses, for looking into its databases from outside. */
export const Sqlite: Driver = await loadDriver();
