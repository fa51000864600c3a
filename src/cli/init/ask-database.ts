import { join } from 'node:path';
import type { Setup } from '../context/setup.ts';
import { withoutPassword } from '../context/setup.ts';
import type { Questions } from './questions.ts';

/** Where the catalog is to be; the password goes into the environment, never into the file. */
export interface DatabaseAnswer {
  /** undefined: the embedded default. */
  url: string | undefined;
  password: string | undefined;
}

/** Offers what was found; the embedded default comes first, because it needs nothing. */
export async function askDatabase(questions: Questions, setup: Setup): Promise<DatabaseAnswer> {
  const { databases } = setup.found;
  const choices = [
    { value: 'default', name: `SQLite, embedded, for this machine alone (${join(setup.dataDirectory, 'assets.db')})` },
    { value: 'file', name: 'SQLite in another file' },
    ...databases.map(({ source, url }, index) => ({
      value: `found ${index}`,
      name: `PostgreSQL of ${source}: ${url}`,
    })),
    { value: 'postgres', name: `${databases.length === 0 ? '' : 'another '}PostgreSQL, shared by many hosts` },
  ];
  const chosen = await questions.choose('Where should the catalog live?', choices);
  if (chosen === 'default') return { url: undefined, password: undefined };
  if (chosen === 'file') {
    const file = await questions.text('Which file?', { known: join(setup.dataDirectory, 'assets.db') });
    return databaseFrom(`sqlite:${setup.resolve(file)}`, setup);
  }
  const found = databases[Number(chosen.slice('found '.length))];
  if (chosen !== 'postgres' && found !== undefined) return { url: found.url, password: found.password };
  const message = 'Which one? (postgres://user@host/database; its password from PGPASSWORD or ~/.pgpass)';
  return databaseFrom(await questions.text(message, { known: undefined }), setup);
}

/** A password that stands in the url is used for the test, and taken out of it. */
export function databaseFrom(text: string, setup: Setup): DatabaseAnswer {
  const postgres = withoutPassword(text);
  if (postgres !== undefined) return postgres;
  // A relative path would count from the configuration file, not from where it was typed.
  const isFile = text.startsWith('sqlite:') && text !== 'sqlite::memory:' && text.length > 'sqlite:'.length;
  const url = isFile && !text.startsWith('sqlite://') ? `sqlite:${setup.resolve(text.slice('sqlite:'.length))}` : text;
  return { url, password: undefined };
}
