import { describe, expect, it } from 'vitest';
import { contentDisposition } from '../../src/core/content-disposition.ts';
import { compareBytes } from '../../src/storage/byte-order.ts';
import { encodePath } from '../../src/storage/http/encoding.ts';
import { escapeXml, fitsXml, parseXml, textOf } from '../../src/storage/http/xml.ts';
import fc from '../support/property.ts';

const anyText = fc.string({ unit: 'binary' });

describe('XML', () => {
  it('gives back any text that XML can hold', () => {
    fc.assert(
      fc.property(anyText.filter(fitsXml), (text) => {
        const element = parseXml(`<?xml version="1.0"?>\n<A x="1"><Key>${escapeXml(text)}</Key></A>`);
        expect(textOf(element, 'Key')).toBe(text);
      }),
    );
  });

  it('reads nesting, attributes, empty elements, CDATA, comments and namespaces', () => {
    const element = parseXml(
      '<s:A xmlns:s="urn:x"><!-- <no> --><B/><C y="a>b"><![CDATA[<&>]]>&#x41;</C><C>2</C></s:A>',
    );
    expect(element).toMatchObject({ name: 'A', children: [{ name: 'B', text: '' }, { name: 'C' }, { text: '2' }] });
  });

  it('says so of what is not XML, and never fails', () => {
    for (const text of ['', 'hello', '<a>', '<a></b>', '</a>', '{"error":1}', '<!DOCTYPE html><html>']) {
      expect(parseXml(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '/', 'a', '&', ';', '!', '[', ' ') }), (text) => {
        parseXml(text);
      }),
    );
  });
});

describe('file names of downloads', () => {
  it('are RFC 6266: a plain name that cannot break out, and the real one in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const header = contentDisposition(name, false);
        expect(header).toMatch(/^attachment; filename="[^"\\%\r\n]*"; filename\*=UTF-8''[\w.~%-]*$/);
        expect(decodeURIComponent(header.split("UTF-8''")[1] ?? '')).toBe(name.toWellFormed());
      }),
    );
  });
});

describe('paths and order', () => {
  it('encodes a key so that an URL gives it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        expect(decodeURIComponent(encodePath(key))).toBe(key);
        expect(encodePath(key)).toMatch(/^[\w.~%/-]*$/);
      }),
    );
  });

  it('orders as the bytes do', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });
});
