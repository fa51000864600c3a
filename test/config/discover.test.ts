import { expect, test } from 'vitest';
import { postgresSettings } from '../../src/catalog/postgres/settings.ts';
import { discover, withoutPassword } from '../../src/config/discover.ts';

test('a URL of PostgreSQL means the same without its password', () => {
  for (const text of [
    'postgres://u@h/d?options=-c%20search_path%3Dassets&application_name=a%20b',
    'postgres://u:x@h/d?options=-c%20timezone%3DEtc/GMT+5',
    'postgres://u@h/d?application_name=a+b&password=c%20d',
  ]) {
    const { password: _, ...expected } = postgresSettings(text, {});
    expect(postgresSettings(withoutPassword(text)?.url ?? '', {}), text).toMatchObject(
      JSON.parse(JSON.stringify(expected)),
    );
  }
  expect(withoutPassword('postgres://u@h/d?password=c+d')?.password).toBe('c+d');
});

test('a socket below a directory with a blank in its name is found', () => {
  const [found] = discover({ PGHOST: '/run/my sockets', PGUSER: 'a b' }).databases;
  expect(postgresSettings(found?.url ?? '', {})).toMatchObject({ user: 'a b', servers: [{ host: '/run/my sockets' }] });
});
