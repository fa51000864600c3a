import { describe, expect, test } from 'vitest';
import { insertBeforeExtension, safeFilename } from '../../src/core/safe-filename.ts';
import fc from '../support/property.ts';

describe('safeFilename', () => {
  test.each([
    ['report.pdf', 'report.pdf'],
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['/etc/passwd', '_etc_passwd'],
    ['..', 'unnamed'],
    ['.', 'unnamed'],
    ['', 'unnamed'],
    ['CON', '_CON'],
    ['con.txt', '_con.txt'],
    ['COM1.tar.gz', '_COM1.tar.gz'],
    ['console.txt', 'console.txt'],
    ['a\nb\tc.txt', 'a_b_c.txt'],
    ['C:\\Windows\\x.dll', 'C__Windows_x.dll'],
    ['trailing. . ', 'trailing'],
    ['gpj.\u202eexe', 'gpj._exe'],
    ['-rf', '-rf'],
    ['.bashrc', '.bashrc'],
    ['日本語 レポート.pdf', '日本語 レポート.pdf'],
  ])('%j becomes %j', (original, safe) => {
    expect(safeFilename(original)).toBe(safe);
  });

  test('any name becomes one file inside a directory, the same when made safe again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (original) => {
        const safe = safeFilename(original);
        expect(safe).not.toMatch(/[/\\\u0000-\u001f]/);
        expect(['', '.', '..']).not.toContain(safe);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(255);
        expect(safeFilename(safe)).toBe(safe);
      }),
    );
  });

  test('a suffix goes before the extension and never makes the name too long', () => {
    expect(insertBeforeExtension('report.pdf', ' (1f0c2a9b)')).toBe('report (1f0c2a9b).pdf');
    expect(insertBeforeExtension('README', ' (1f0c2a9b)')).toBe('README (1f0c2a9b)');
    const long = insertBeforeExtension(`${'ü'.repeat(200)}.pdf`, ' (1f0c2a9b)');
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(255);
    expect(long.endsWith(' (1f0c2a9b).pdf')).toBe(true);
  });
});
