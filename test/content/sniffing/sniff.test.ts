import { describe, expect, it } from 'vitest';
import { bytesReader } from '../../../src/content/byte-reader.ts';
import { bytesContent } from '../../../src/content/reading/bytes-content.ts';
import { Examination } from '../../../src/content/sniffing/examine.ts';
import fc from '../../support/property.ts';
import { allowing, defaultRules } from '../rules.ts';

const everything = allowing(
  'application/octet-stream',
  'text/html',
  'text/xml',
  'image/svg+xml',
  'text/markdown',
  'application/json',
  'application/rtf',
  'application/msword',
  'application/x-cfb',
  'application/zip',
);

async function verdict(name: string, data: string | Uint8Array): Promise<string> {
  try {
    const content = await bytesContent(Buffer.from(data), name, { rules: everything, checksums: [] });
    return `${content.mimeType} ${content.extension}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

describe('text', () => {
  it.each([
    ['notes', 'plain', 'text/plain .txt'],
    ['notes.log', 'plain', 'text/plain .txt'],
    ['notes.unheard', 'plain', 'text/plain .txt'],
    ['.hidden', 'plain', 'text/plain .txt'],
    ['data.CSV', 'a,b\n1,2\n', 'text/csv .csv'],
    ['data.json', '{"a":1}', 'application/json .json'],
    ['readme.md', '<div align="center">\n# Title', 'text/markdown .md'],
    ['readme.md', '<!-- comment -->\n# Title', 'text/markdown .md'],
    ['feed.txt', '<?xml version="1.0"?><feed/>', 'text/plain .txt'],
    ['page.html', 'no markup at all', 'text/html .html'],
    ['page.html', '\ufeff \n<!-- x --><!doctype HTML>', 'text/html .html'],
    ['page', '<p>hello</p>', 'text/html .html'],
    ['page', '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x"><html/>', 'text/html .html'],
    [
      'drawing.svg',
      '<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
      'image/svg+xml .svg',
    ],
    [
      'drawing.xml',
      '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY a "b">]><svg:svg/>',
      'image/svg+xml .svg',
    ],
    ['data.xml', '<data/>', 'text/xml .xml'],
    ['letter.rtf', '{\\rtf1 hello}', 'application/rtf .rtf'],
    // weak signatures (BMP, Windows program, MP3, bzip2) that text may begin with
    ['cars.txt', 'BMW and other makes', 'text/plain .txt'],
    ['cars.txt', 'MZ is where it begins', 'text/plain .txt'],
    ['cars.txt', 'ID3 tags explained', 'text/plain .txt'],
  ])('%s with %j is %s', async (name, data, expected) => {
    expect(await verdict(name, data)).toBe(expected);
  });

  it.each([
    ['data.csv', '<html><body>Not found</body></html>'],
    ['data.csv', '<?xml version="1.0"?><Workbook/>'],
    ['notes.txt', '<script>alert(1)</script>'],
    ['notes.txt', '%PDF-1.4 in plain letters'],
    ['notes.md', '<!doctype html><p>'],
    ['drawing.svg', '<html>'],
    ['drawing.svg', 'no drawing'],
    ['letter.rtf', 'no rich text'],
    ['data.json', '<svg/>'],
    ['notes.txt', Buffer.from('\ufeff<html>', 'utf16le')],
  ])('%s with %j contradicts itself', async (name, data) => {
    expect(await verdict(name, data)).toBe('TYPE_MISMATCH');
  });
});

describe('binary content', () => {
  const zip = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)]);
  const compound = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]);

  it.each([
    ['noise.bin', Buffer.from([0, 1, 2, 255]), 'application/octet-stream .bin'],
    ['noise', Buffer.from([0, 1, 2, 255]), 'application/octet-stream '],
    ['noise.Überlang', Buffer.from([0, 1, 2, 255]), 'application/octet-stream '],
    ['archive.unheard', zip, 'application/zip .zip'],
    ['old.doc', compound, 'application/msword .doc'],
    ['old', compound, 'application/x-cfb .cfb'],
    ['old.docx', compound, 'TYPE_MISMATCH'],
    ['noise.pdf', Buffer.from([0, 1, 2, 255]), 'TYPE_MISMATCH'],
    ['picture.pdf', zip, 'TYPE_MISMATCH'],
  ])('%s: %#', async (name, data, expected) => {
    expect(await verdict(name, data)).toBe(expected);
  });

  it('is refused at the first chunk that shows it, before the rest is read', async () => {
    const examination = new Examination('big.pdf', defaultRules, Buffer.from('text so far'));
    await examination.feed(Buffer.from('text so far'));
    await expect(examination.feed(Buffer.from([0]))).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
  });
});

describe('any content', () => {
  const names = fc.constantFrom('a', 'a.txt', 'a.csv', 'a.pdf', 'a.html', 'a.docx', 'a.png');
  const beginnings = fc.constantFrom(
    '',
    '%PDF-1.4\n',
    '<html>',
    '<svg ',
    '\x89PNG\r\n\x1a\n',
    'GIF89a',
    'PK\x03\x04',
    'RIFF',
  );
  const contents = fc
    .tuple(
      beginnings,
      fc.oneof(
        fc.string().map((text) => Buffer.from(text)),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
    )
    .map(([start, rest]) => Buffer.concat([Buffer.from(start, 'latin1'), rest]))
    .filter((bytes) => bytes.length > 0);

  it('gets a type or a refusal, the same for any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(names, contents, fc.nat(), async (name, bytes, position) => {
        const cut = position % (bytes.length + 1);
        const examination = new Examination(name, everything, bytes);
        const inChunks = (async () => {
          await examination.feed(bytes.subarray(0, cut));
          await examination.feed(bytes.subarray(cut));
          return (await examination.finish(bytesReader(bytes))).mimeType;
        })();
        const chunked = await inChunks.catch((error: { code: string }) => error.code);
        expect(chunked).toMatch(/\/|^(?:TYPE_MISMATCH|TYPE_NOT_ALLOWED|CONTENT_UNSAFE)$/);
        expect((await verdict(name, bytes)).split(' ')[0]).toBe(chunked);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves no control character of a hostile name in the message', async () => {
    const name = 'evil\u202egpj\n\u001b[2J.exe.pdf';
    const refusal = bytesContent(Buffer.from('text'), name, { rules: defaultRules, checksums: [] });
    await expect(refusal).rejects.toMatchObject({
      message: expect.stringContaining('evil\\u{202e}gpj\\n\\x1b[2J.exe.pdf is'),
    });
  });
});
