import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytesReader } from '../../../src/content/byte-reader.ts';
import { bytesContent } from '../../../src/content/reading/bytes-content.ts';
import { openXmlType } from '../../../src/content/sniffing/openxml.ts';
import { makeZip, type ZipPart } from '../../support/make-zip.ts';
import { DOCX, defaultRules } from '../rules.ts';

const MAIN = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';

function contentTypes(main: string, more = ''): ZipPart {
  const override = `<Override PartName="/word/document.xml" ContentType="${main}"/>${more}`;
  return { name: '[Content_Types].xml', data: `<?xml version="1.0"?><Types>${override}</Types>` };
}
const body: ZipPart = { name: 'word/document.xml', data: '<w:document/>' };

function typeOf(parts: readonly ZipPart[], comment?: string): string | undefined {
  return openXmlType(bytesReader(makeZip(parts, comment)));
}

describe('a Word document is recognised', () => {
  it('with its content types last', () => {
    expect(typeOf([body, contentTypes(MAIN)])).toBe(DOCX);
  });

  it('behind megabytes of other entries', async () => {
    const picture: ZipPart = { name: 'word/media/big.bin', data: Buffer.alloc(3_000_000, 'abc'), stored: true };
    const bytes = makeZip([picture, body, contentTypes(MAIN)]);
    const content = await bytesContent(bytes, 'brief.docx', { rules: defaultRules, checksums: [] });
    expect([content.mimeType, content.extension]).toEqual([DOCX, '.docx']);
  });

  it('with sizes that follow the data, or in ZIP64 fields', () => {
    const streamed = [contentTypes(MAIN), body].map((part) => ({ ...part, descriptor: true }));
    expect(typeOf(streamed)).toBe(DOCX);
    expect(typeOf(streamed.map((part) => ({ ...part, zip64: true })))).toBe(DOCX);
  });

  it('with an archive comment, even one that looks like an end record', () => {
    expect(typeOf([contentTypes(MAIN), body], 'made by PK\u0005\u0006, with love, and long enough to mislead')).toBe(
      DOCX,
    );
  });

  it('stored instead of deflated', () => {
    expect(typeOf([{ ...contentTypes(MAIN), stored: true }, body])).toBe(DOCX);
  });
});

describe('macros', () => {
  const WORD_MACROS = 'application/vnd.ms-word.document.macroenabled.12';

  it('tell a .docm by its main part', () => {
    expect(typeOf([contentTypes('application/vnd.ms-word.document.macroEnabled.main+xml'), body])).toBe(WORD_MACROS);
  });

  it('tell it by a VBA project, whatever the main part says', () => {
    const project: ZipPart = { name: 'word/vbaProject.bin', data: 'x' };
    expect(typeOf([contentTypes(MAIN), body, project])).toBe(WORD_MACROS);
    const renamed = '<Override PartName="/word/x.bin" ContentType="application/vnd.ms-office.vbaProject"/>';
    expect(typeOf([contentTypes(MAIN, renamed), body])).toBe(WORD_MACROS);
  });

  it('of Excel 4 count as well', () => {
    const sheet = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml';
    const macro = '<Override PartName="/xl/m.xml" ContentType="application/vnd.ms-excel.macrosheet+xml"/>';
    expect(typeOf([contentTypes(sheet, macro)])).toBe('application/vnd.ms-excel.sheet.macroenabled.12');
  });

  it('cannot hide behind XML entities', () => {
    const hidden = '<Override PartName="/word/x.bin" ContentType="application/vnd.ms-office.vba&#80;roject"/>';
    expect(typeOf([contentTypes(MAIN, hidden), body])).toBeUndefined();
  });
});

describe('what is not a document', () => {
  it('is a ZIP without content types, or with two of them', () => {
    expect(typeOf([body])).toBeUndefined();
    expect(typeOf([contentTypes(MAIN), contentTypes(MAIN), body])).toBeUndefined();
  });

  it('is a ZIP whose directory tells another story than its entries', () => {
    const other: ZipPart = { name: 'other-file-of-same.xml', data: 'x' };
    expect(typeOf([other, { ...contentTypes(MAIN), claims: { offset: 0 } }])).toBeUndefined();
    expect(typeOf([{ ...contentTypes(MAIN), claims: { compressedSize: 1_000_000 } }])).toBeUndefined();
  });

  it('is a ZIP that is cut anywhere', () => {
    const whole = readFileSync(new URL('../../../fixtures/files/brief.docx', import.meta.url));
    for (let length = 4; length < whole.length; length += 7) {
      expect(openXmlType(bytesReader(whole.subarray(0, length)))).toBeUndefined();
    }
  });

  it('survives any changed byte without a crash', () => {
    const whole = readFileSync(new URL('../../../fixtures/files/brief.docx', import.meta.url));
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      expect([DOCX, undefined]).toContain(openXmlType(bytesReader(changed)));
    }
  });
});

describe('content types that inflate without end', () => {
  let bomb: Buffer;
  beforeAll(() => {
    bomb = makeZip([{ name: '[Content_Types].xml', data: Buffer.alloc(50_000_000, ' ') }, body]);
  });

  it('are not inflated', () => {
    expect(openXmlType(bytesReader(bomb))).toBeUndefined();
  });
});
