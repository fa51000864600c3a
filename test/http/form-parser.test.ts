import { describe, expect, test } from 'vitest';
import { parseDisposition } from '../../src/http/form-disposition.ts';
import { createFormParser } from '../../src/http/form-parser.ts';

const CONTENT = 'a\r\n--almost\r\n-\r\n\r\n--edg\r\n--edge\0b\r\n';
const FORM = [
  'preamble\r\n--edg is none\r\n--edge  ',
  'Content-Disposition: form-data;\r\n name="one"',
  '',
  '',
  '--edge',
  'CONTENT-disposition: form-data; name="file"; filename="a.txt"',
  'Content-Type: text/plain',
  '',
  `${CONTENT.replace('--edge', '--edgy')}`,
  '--edge--',
  'epilogue\r\n--edge\r\n',
].join('\r\n');

function parse(text: string, chunkLength: number) {
  const parser = createFormParser('edge');
  const parts: { headers: object; content: string }[] = [];
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkLength) {
    for (const event of parser.push(bytes.subarray(at, at + chunkLength))) {
      if (event.kind === 'part') parts.push({ headers: Object.fromEntries(event.headers), content: '' });
      else for (const part of parts.slice(-1)) part.content += event.bytes.toString();
    }
  }
  return { parts, isWhole: parser.isWhole() };
}

test.each(Array.from({ length: 60 }, (_, index) => index + 1).concat(1000))(
  'a form in chunks of %i bytes',
  (length) => {
    expect(parse(FORM, length)).toEqual({
      isWhole: true,
      parts: [
        { headers: { 'content-disposition': 'form-data; name="one"' }, content: '' },
        {
          headers: {
            'content-disposition': 'form-data; name="file"; filename="a.txt"',
            'content-type': 'text/plain',
          },
          content: CONTENT.replace('--edge', '--edgy'),
        },
      ],
    });
  },
);

test('a form that is cut off anywhere is not whole', () => {
  const whole = FORM.slice(0, FORM.indexOf('--edge--') + 8);
  expect(parse(whole, 7).isWhole).toBe(true);
  for (let end = 0; end < whole.length; end += 1) expect(parse(whole.slice(0, end), 7).isWhole).toBe(false);
});

test.each([
  ['text behind a boundary', '--edge of it\r\n\r\n'],
  ['a line without a name', '--edge\r\nnothing\r\n\r\n'],
  ['headers without an end', `--edge\r\nX: ${'y'.repeat(20_000)}`],
  ['blanks without an end', `--edge${' '.repeat(1000)}`],
])('%s is no form', (_what, text) => {
  for (const length of [1, 5, 100_000]) expect(() => parse(text, length)).toThrow(/part|boundary/);
});

describe('a file name', () => {
  test.each([
    ['form-data; name="f"; filename="a %22b%22 100%25.txt"', 'a "b" 100%25.txt'],
    [`form-data; name="f"; filename*=UTF-8''100%2522%20%E4%B8%96.txt`, '100%22 世.txt'],
    [`form-data; name="f"; filename="x.txt"; filename*=utf-8'de'%22q%22.txt`, '"q".txt'],
    [`form-data; name="f"; filename*=ISO-8859-1''%FCber.txt; filename="x.txt"`, 'über.txt'],
    [`form-data; name="f"; filename*="UTF-8''quoted.txt"`, 'quoted.txt'],
    ['form-data; name=f; filename=plain.txt', 'plain.txt'],
    ['Form-Data ; NAME = "f" ; FileName = "a\\"b\\\\c;d.txt"', 'a"b\\c;d.txt'],
    [String.raw`form-data; name="f"; filename="C:\dir\a.txt"`, String.raw`C:\dir\a.txt`],
    [Buffer.from('form-data; name="f"; filename="世界.txt"').toString('latin1'), '世界.txt'],
    ['form-data; name="f"; filename=""', ''],
    ['form-data; name="f"', undefined],
  ])('of %j', (header, filename) => {
    expect(parseDisposition(header)).toEqual({ name: 'f', filename });
  });

  test.each(['attachment; filename="a"', 'form-data; name="f" x', 'form-data; filename="a', ''])(
    'is not in %j',
    (header) => {
      expect(parseDisposition(header)).toBeUndefined();
    },
  );

  test.each(['filename="\xdcber"', `filename*=UTF-8''%DCber`, "filename*=koi8-r''a", 'filename*=a'])(
    'cannot be read in %j',
    (parameter) => {
      expect(() => parseDisposition(`form-data; name="f"; ${parameter}`)).toThrow(/UTF-8/);
    },
  );
});
