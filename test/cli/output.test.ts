import { describe, expect, test } from 'vitest';
import { ASSET_COLUMNS } from '../../src/cli/output/assets.ts';
import { csvLine } from '../../src/cli/output/csv.ts';
import { renderError } from '../../src/cli/output/errors.ts';
import { EVENT_SHAPE } from '../../src/cli/output/events.ts';
import { chooseFormat, TABULAR_FORMATS } from '../../src/cli/output/format.ts';
import { growDocument } from '../../src/cli/output/json.ts';
import { createWriter } from '../../src/cli/output/streams.ts';
import { type Column, createTable } from '../../src/cli/output/table.ts';
import { TOKEN_SHAPE } from '../../src/cli/output/tokens.ts';
import { AssetError } from '../../src/core/errors.ts';
import { createTestHost } from '../support/host.ts';
import fc from '../support/property.ts';

const plain = (_style: unknown, text: string): string => text;

describe('csv', () => {
  test.each([
    ['=1+1', `'=1+1`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@SUM(A1)', `'@SUM(A1)`],
    ['\t=1', `'\t=1`],
    ['a,b', '"a,b"'],
    ['say "a"', '"say ""a"""'],
    ['two\nlines', '"two\nlines"'],
    ['="a,b"', `"'=""a,b"""`],
    ['plain', 'plain'],
  ])('%j becomes %j', (cell, written) => {
    expect(csvLine([cell])).toBe(`${written}\r\n`);
  });

  test('what is absent is empty, numbers and truth values are as they are', () => {
    expect(csvLine([null, -5, true, ''])).toBe(',-5,true,\r\n');
  });
});

describe('a growing JSON document', () => {
  test('is one valid document, whatever the items are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.json())), fc.json(), async (chunks, end) => {
        const host = createTestHost();
        const document = growDocument(createWriter(host.stdout), 'items');
        for (const chunk of chunks) await document.add(chunk.map((text) => JSON.parse(text)));
        await document.end({ end: JSON.parse(end) });
        expect(JSON.parse(host.out())).toEqual({
          items: chunks.flat().map((text) => JSON.parse(text)),
          end: JSON.parse(end),
        });
      }),
    );
  });

  test('holds nothing that a terminal would obey', async () => {
    const host = createTestHost();
    const document = growDocument(createWriter(host.stdout), 'items');
    await document.add([{ name: 'a\u009b31m\u202etxt.exe' }]);
    await document.end({});
    expect(host.out()).toContain('a\\u009b31m\\u202etxt.exe');
    expect(JSON.parse(host.out())).toEqual({ items: [{ name: 'a\u009b31m\u202etxt.exe' }] });
  });
});

describe('a table', () => {
  const columns: Column<{ id: string; name: string }>[] = [
    {
      header: 'ID',
      value: ({ id }) => id,
      width: 12,
      short: { below: 60, width: 4, value: ({ id }) => id.slice(0, 4) },
    },
    { header: 'EXTRA', value: () => 'extra', width: 8, from: 50 },
    { header: 'NAME', value: ({ name }) => name, width: 10, flexible: true },
  ];
  const rows = [{ id: 'abcdefghijkl', name: 'a name that is rather long for a narrow terminal, and more of it' }];

  test('is never wider than the terminal, and drops columns before it cuts', async () => {
    const lines = (await createTable(columns, 40, plain)(rows)).trimEnd().split('\n');
    expect(lines[0]).toBe('ID    NAME');
    expect(lines[1]).toMatch(/^abcd {2}a name that is rather.*…$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  });

  test.each([
    ['of assets', ASSET_COLUMNS],
    ['of events', EVENT_SHAPE.columns],
    ['of tokens', TOKEN_SHAPE.columns],
  ] as [string, readonly Column<unknown>[]][])('%s fits every terminal of 40 columns or more', async (_, shape) => {
    const value = () => 'x'.repeat(200);
    const full = shape.map(({ short, ...column }) => ({
      ...column,
      value,
      ...(short === undefined ? {} : { short: { ...short, value } }),
    }));
    for (let width = 40; width <= 160; width += 1) {
      const [header = '', row = ''] = (await createTable(full, width, plain)([null])).split('\n');
      expect(Math.max(header.length, row.length)).toBeLessThanOrEqual(width);
    }
  });

  test('shows every column where there is room', async () => {
    const [header] = (await createTable(columns, 100, plain)(rows)).split('\n');
    expect(header).toBe('ID            EXTRA     NAME');
  });

  test('cuts nothing in a pipe', async () => {
    expect(await createTable(columns, undefined, plain)(rows)).toContain(`abcdefghijkl  extra     ${rows[0]?.name}\n`);
  });

  test('counts the width of wide characters', async () => {
    const wide = [{ id: '1', name: '世界世界世界世界世界世界世界世界世界世界' }];
    const lines = (await createTable(columns, 30, plain)(wide)).split('\n');
    expect(lines[1]).toMatch(/^1 {5}世.*…$/);
    expect([...(lines[1] ?? '')].filter((each) => /[世界]/.test(each)).length).toBeLessThanOrEqual(12);
  });

  test('has its header once', async () => {
    const render = createTable(columns, 80, plain);
    expect(await render([])).toBe('');
    expect(await render(rows)).toMatch(/^ID/);
    expect(await render(rows)).not.toMatch(/^ID/);
  });

  test('escapes what a terminal would obey, and stays one line a row', async () => {
    const text = await createTable(columns, undefined, plain)([{ id: '1', name: 'a\u001b[2Jb\nc\u202e' }]);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toContain('a\\x1b[2Jb\\nc\\u{202e}');
  });
});

describe('errors', () => {
  const error = new AssetError('ASSET_NOT_FOUND', 'There is no \u001b[31masset', {
    hint: 'Look',
    details: { id: 'x' },
  });
  const text = { json: false, verbose: false, paint: plain };

  test('are two lines for people', () => {
    expect(renderError(error, text)).toBe('error: There is no \\x1b[31masset\nhint:  Look\n');
  });

  test('are one JSON value for programs', () => {
    const rendered = renderError(error, { ...text, json: true });
    expect(rendered.trimEnd()).not.toContain('\n');
    expect(JSON.parse(rendered)).toEqual({
      error: { code: 'ASSET_NOT_FOUND', message: error.message, hint: 'Look', details: { id: 'x' } },
    });
  });

  test('show a stack with -v or for a bug only', () => {
    expect(renderError(error, { ...text, verbose: true })).toContain('output.test.ts');
    expect(renderError(new Error('surprise'), text)).toMatch(
      /surprise\nhint: {2}This is a bug.*\n[\s\S]*output\.test\.ts/,
    );
  });

  test('never hold a password or a signature', () => {
    const secrets = new Error('failed: postgres://ada:hunter2@db/x and https://h/k?X-Amz-Signature=abcdef&sig=ghijkl');
    for (const json of [true, false]) {
      const rendered = renderError(secrets, { json, verbose: true, paint: plain });
      for (const secret of ['hunter2', 'abcdef', 'ghijkl']) expect(rendered).not.toContain(secret);
    }
  });
});

describe('the format', () => {
  test.each([
    [{}, 'text'],
    [{ environment: 'json' }, 'json'],
    [{ environment: '' }, 'text'],
    [{ environment: 'jsonl', format: 'csv' }, 'csv'],
    [{ json: true, environment: 'csv' }, 'json'],
    [{ json: true, format: 'json' }, 'json'],
  ])('of %j is %s', (chosen, expected) => {
    expect(chooseFormat(chosen, TABULAR_FORMATS)).toBe(expected);
  });

  test.each([{ format: 'xml' }, { environment: 'xml' }, { json: true, format: 'jsonl' }])('%j is refused', (chosen) => {
    expect(() => chooseFormat(chosen, TABULAR_FORMATS)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
