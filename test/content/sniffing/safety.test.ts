import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bytesReader } from '../../../src/content/byte-reader.ts';
import { readImageSize } from '../../../src/content/images/header.ts';
import { readFileContent } from '../../../src/content/read-content.ts';
import { bytesContent } from '../../../src/content/reading/bytes-content.ts';
import { sampleBytes } from '../../support/bodies.ts';
import { makeZip, type ZipPart } from '../../support/make-zip.ts';
import { DOCX, defaultRules } from '../rules.ts';

const MEBIBYTE = 1024 * 1024;
const MAIN = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
const contentTypes: ZipPart = {
  name: '[Content_Types].xml',
  data: `<Types><Override PartName="/word/document.xml" ContentType="${MAIN}"/></Types>`,
};

function read(name: string, bytes: Uint8Array) {
  return bytesContent(bytes, name, { rules: defaultRules, checksums: [] });
}

function document(...parts: ZipPart[]): Buffer {
  return makeZip([contentTypes, ...parts]);
}

describe('a document', () => {
  it('that inflates a hundredfold to much is refused', async () => {
    const bomb = document({ name: 'word/document.xml', data: Buffer.alloc(101 * MEBIBYTE, ' ') });
    await expect(read('brief.docx', bomb)).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringMatching(/brief\.docx is not safe to open: its .*KiB inflate to 101 MiB/),
    });
  });

  it('that inflates as much with honest content, or little with a high ratio, is not', async () => {
    const sheet = document({ name: 'word/document.xml', data: Buffer.alloc(20 * MEBIBYTE, ' ') });
    expect((await read('brief.docx', sheet)).mimeType).toBe(DOCX);
  });

  it('of too many entries is refused', async () => {
    const parts = Array.from({ length: 10_001 }, (_, index) => ({
      name: `word/${index}.xml`,
      data: 'x',
      stored: true,
    }));
    await expect(read('brief.docx', document(...parts))).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('10002 entries'),
    });
  });

  it('whose entries share their bytes is refused', async () => {
    const data = sampleBytes(200_000);
    const shared = Array.from({ length: 40 }, (_, index) => ({
      name: `word/${index}.bin`,
      data: index === 0 ? data : 'x',
      stored: true,
      claims: { offset: 0, size: data.length, compressedSize: data.length },
    }));
    await expect(read('brief.docx', document(...shared))).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('overlap'),
    });
  });

  it.each([
    ['less', 1000],
    ['more', 200 * MEBIBYTE],
  ])('that declares %s than it inflates to is refused', async (_what, size) => {
    const bomb = document(
      { name: 'word/document.xml', data: Buffer.alloc(150 * MEBIBYTE, ' '), claims: { size } },
      { name: 'word/media/1.png', data: sampleBytes(3 * MEBIBYTE), stored: true },
    );
    await expect(read('brief.docx', bomb)).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('does not inflate to the size that it declares'),
    });
  });

  it('with deflated noise among its entries is read from a file as well', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'safety-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'brief.docx');
    writeFileSync(
      path,
      document(
        { name: 'word/1.bin', data: sampleBytes(3 * MEBIBYTE) },
        { name: 'a', data: sampleBytes(9), stored: true },
      ),
    );
    const content = await readFileContent(path, { rules: defaultRules, checksums: [] });
    await content.close();
    expect(content.mimeType).toBe(DOCX);
  });
});

describe('an image', () => {
  function png(width: number, height: number): Buffer {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header[8] = 8;
    const chunk = (name: string, data: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(data.length);
      return Buffer.concat([length, Buffer.from(name), data, Buffer.alloc(4)]);
    };
    const signature = Buffer.from('89504e470d0a1a0a', 'hex');
    return Buffer.concat([
      signature,
      chunk('IHDR', header),
      chunk('IDAT', Buffer.alloc(9)),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  }

  it('of too many pixels is refused by its header', async () => {
    expect((await read('a.png', png(16_383, 16_383))).mimeType).toBe('image/png');
    await expect(read('a.png', png(16_384, 16_384))).rejects.toMatchObject({ code: 'CONTENT_UNSAFE' });
    await expect(read('a.png', png(4_000_000_000, 4_000_000_000))).rejects.toMatchObject({ code: 'CONTENT_UNSAFE' });
  });

  it('of no pixels is damaged', async () => {
    await expect(read('a.png', png(0, 10))).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
  });

  it.each([
    ['image/gif', `474946383961${'0a001400'}${'000000'}3b`, { width: 10, height: 20 }],
    ['image/jpeg', `ffd8${'ffe000040000'}${'ffff'}${'c0000b08'}0014000a`, { width: 10, height: 20 }],
    [
      'image/webp',
      `52494646${'16000000'}57454250${'56503858'}0a000000${'00000000'}090000130000`,
      { width: 10, height: 20 },
    ],
    [
      'image/webp',
      `52494646${'16000000'}57454250${'5650384c'}0a0000002f${'09c00400'}0000000000`,
      { width: 10, height: 20 },
    ],
    [
      'image/webp',
      `52494646${'16000000'}57454250${'56503820'}0a000000${'3001009d012a'}0a001400`,
      { width: 10, height: 20 },
    ],
  ])('of type %s tells its size: %#', (mimeType, hex, size) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(readImageSize(mimeType, bytesReader(bytes))).toEqual(size);
    for (let length = 0; length < bytes.length - 1; length += 1) {
      expect(readImageSize(mimeType, bytesReader(bytes.subarray(0, length)))).toBeUndefined();
    }
  });
});
