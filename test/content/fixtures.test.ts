import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFileContent } from '../../src/content/read-content.ts';
import { allowing, DOCX, defaultRules, XLSX } from './rules.ts';

const fixtures = new URL('../../fixtures/', import.meta.url).pathname;
const options = { rules: defaultRules, checksums: [] };

const ACCEPTED: Record<string, [mimeType: string, extension: string]> = {
  'brief.docx': [DOCX, '.docx'],
  'chart.gif': ['image/gif', '.gif'],
  'chart.jpg': ['image/jpeg', '.jpg'],
  'chart.png': ['image/png', '.png'],
  'chart.webp': ['image/webp', '.webp'],
  'notes-utf16.txt': ['text/plain', '.txt'],
  'notes.txt': ['text/plain', '.txt'],
  'pages.csv': ['text/csv', '.csv'],
  'ranking.xlsx': [XLSX, '.xlsx'],
  'report.pdf': ['application/pdf', '.pdf'],
};

describe('the accepted files', () => {
  it('are all named here', () => {
    expect(readdirSync(`${fixtures}files`).sort()).toEqual(Object.keys(ACCEPTED).sort());
  });

  it.each(Object.entries(ACCEPTED))('%s is taken for what it is', async (name, [mimeType, extension]) => {
    const content = await readFileContent(`${fixtures}files/${name}`, options);
    await content.close();
    expect([content.mimeType, content.extension]).toEqual([mimeType, extension]);
  });
});

const REFUSED: Record<string, [code: string, says: RegExp]> = {
  'archive.docx': ['TYPE_MISMATCH', /is a ZIP archive .*claims a Word document/],
  'archive.zip': ['TYPE_NOT_ALLOWED', /is a ZIP archive/],
  'cut.webp': ['TYPE_MISMATCH', /WebP image .*is cut off or damaged/],
  'document.txt': ['TYPE_MISMATCH', /is a PDF document .*claims plain text/],
  'drawing.txt': ['TYPE_MISMATCH', /is an SVG image .*claims plain text/],
  'empty.txt': ['FILE_EMPTY', /is empty/],
  'header-cut.jpg': ['TYPE_MISMATCH', /JPEG image .*is cut off or damaged/],
  'latin1.csv': ['TYPE_MISMATCH', /is binary data .*claims CSV/],
  'macros.docm': ['TYPE_NOT_ALLOWED', /Word document with macros/],
  'macros.docx': ['TYPE_MISMATCH', /is a Word document with macros .*claims a Word document \(/],
  'nul.txt': ['TYPE_MISMATCH', /is binary data .*claims plain text/],
  'page.csv': ['TYPE_MISMATCH', /is HTML .*claims CSV/],
  'page.html': ['TYPE_NOT_ALLOWED', /is HTML/],
  'picture.jpg': ['TYPE_MISMATCH', /is a PNG image .*claims a JPEG image/],
  'program.pdf': ['TYPE_MISMATCH', /is a Windows program .*claims a PDF document/],
  'signature-only.png': ['TYPE_MISMATCH', /is binary data .*claims a PNG image/],
  'truncated.png': ['TYPE_MISMATCH', /PNG image .*is cut off or damaged/],
  'words.png': ['TYPE_MISMATCH', /is plain text .*claims a PNG image/],
};

describe('the hostile files', () => {
  it('are all named here', () => {
    expect(readdirSync(`${fixtures}hostile`).sort()).toEqual(Object.keys(REFUSED).sort());
  });

  it.each(Object.entries(REFUSED))('%s is refused', async (name, [code, says]) => {
    const error = await readFileContent(`${fixtures}hostile/${name}`, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(says), hint: expect.stringMatching(/./) });
  });

  it('are stored all the same where the configuration allows their honest type', async () => {
    const rules = allowing('text/html', 'application/zip');
    for (const name of ['page.html', 'archive.zip']) {
      const content = await readFileContent(`${fixtures}hostile/${name}`, { rules, checksums: [] });
      expect(content.extension).toBe(name.slice(name.lastIndexOf('.')));
    }
  });

  it('tells how to allow a type', async () => {
    const refusal = readFileContent(`${fixtures}hostile/page.html`, options);
    await expect(refusal).rejects.toMatchObject({
      hint: expect.stringContaining('"text/html" to limits.allowedMimeTypes'),
    });
  });
});
