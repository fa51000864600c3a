import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import type { Content, ImageStage } from '../../../src/content/content.ts';
import { readFileContent } from '../../../src/content/read-content.ts';
import { type ImageProfile, PLAIN_PROFILE } from '../../../src/core/image-profile.ts';
import { animation, photograph } from '../../support/images.ts';
import { chunk, crcOf } from '../../support/png.ts';

const folder = mkdtempSync(join(tmpdir(), 'asset-cli-images-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TYPES = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif']);

function read(name: string, bytes: Uint8Array, profile: Partial<ImageProfile> = {}, more: Partial<ImageStage> = {}) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return readFileContent(path, {
    rules: { maxFileSize: 100 * 2 ** 20, allowedMimeTypes: TYPES },
    checksums: ['md5'],
    images: { profile: { ...PLAIN_PROFILE, ...profile }, ...more },
  });
}

async function bytesOf(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const part of content.body.open()) chunks.push(part);
  return Buffer.concat(chunks);
}

describe('an image that goes through a profile', () => {
  test.each([
    ['in memory', 600, 400],
    ['too large for memory', 3000, 2400],
  ])(
    '%s comes out upright, without metadata, smaller, with the fingerprint of what came out',
    async (_, width, height) => {
      const photo = await photograph(width, height);
      const content = await read('photo.jpg', photo);
      const made = await bytesOf(content);
      const facts = await sharp(made).metadata();
      expect(facts).toMatchObject({ format: 'jpeg', width: height, height: width });
      expect([facts.exif, facts.xmp, facts.iptc, facts.orientation]).toEqual(Array(4).fill(undefined));
      expect(made.includes('Acme')).toBe(false);
      expect(made.length).toBeLessThan(photo.length);
      expect(content).toMatchObject({
        isProcessed: true,
        size: made.length,
        sha256: sha256(made),
        mimeType: 'image/jpeg',
      });
      expect(content.original?.sha256).toBe(sha256(photo));
      expect((await content.stored()).checksums).toEqual({
        sha256: sha256(made),
        md5: createHash('md5').update(made).digest('hex'),
      });
      await content.close();
    },
  );

  test('is left as it is where it has nothing to hide and would hardly become smaller', async () => {
    const photo = await photograph(400, 300, { withMetadata: false, quality: 60 });
    const content = await read('small.jpg', photo);
    expect(content).toMatchObject({ isProcessed: false, sha256: sha256(photo), size: photo.length });
    expect(content.original).toBeDefined();
  });

  test('loses its metadata even where that makes it larger', async () => {
    const plain = await photograph(400, 300, { withMetadata: false, quality: 40 });
    const withComment = Buffer.concat([
      plain.subarray(0, 2),
      Buffer.from([0xff, 0xfe, 0, 8]),
      Buffer.from('secret'),
      plain.subarray(2),
    ]);
    const content = await read('comment.jpg', withComment);
    expect(content.isProcessed).toBe(true);
    expect((await bytesOf(content)).includes('secret')).toBe(false);
  });

  test.each(['jpeg', 'png', 'webp', 'gif'] as const)('loses what lies behind its end, as %s', async (format) => {
    const name = `picture.${format}`;
    const made = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#975' } })
      .toFormat(format)
      .toBuffer();
    const plain = await bytesOf(await read(name, made));
    expect(await read(name, plain)).toMatchObject({ isProcessed: false });
    const content = await read(name, Buffer.concat([plain, Buffer.from('secret')]));
    expect(content.isProcessed).toBe(true);
    expect((await bytesOf(content)).includes('secret')).toBe(false);
  });

  test('loses chunks of a WebP image that do not show', async () => {
    const made = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#975' } })
      .webp()
      .toBuffer();
    const chunk = Buffer.concat([Buffer.from('note'), Buffer.from([6, 0, 0, 0]), Buffer.from('secret')]);
    const noted = Buffer.concat([made, chunk]);
    noted.writeUInt32LE(noted.length - 8, 4);
    expect((await bytesOf(await read('noted.webp', noted))).includes('secret')).toBe(false);
  });

  test('is scaled down to fit, never up', async () => {
    const wide = await read('wide.jpg', await photograph(800, 200, { orientation: 1 }), {
      maxWidth: 100,
      maxHeight: 100,
    });
    expect(await sharp(await bytesOf(wide)).metadata()).toMatchObject({ width: 100, height: 25 });
    const small = await read(
      'small.png',
      await sharp({ create: { width: 20, height: 10, channels: 4, background: '#f008' } })
        .png()
        .toBuffer(),
      { maxWidth: 100 },
    );
    expect(await sharp(await bytesOf(small)).metadata()).toMatchObject({ width: 20, height: 10 });
  });

  test('becomes what the profile says, transparent places white in JPEG', async () => {
    const logo = await sharp({ create: { width: 20, height: 10, channels: 4, background: '#ff000000' } })
      .png()
      .toBuffer();
    const webp = await read('logo.png', logo, { format: 'webp' });
    expect(webp).toMatchObject({ isProcessed: true, mimeType: 'image/webp', extension: '.webp' });
    expect((await sharp(await bytesOf(webp)).stats()).isOpaque).toBe(false);
    const jpeg = await read('logo.png', logo, { format: 'jpeg' });
    expect(jpeg).toMatchObject({ mimeType: 'image/jpeg', extension: '.jpg' });
    const { channels } = await sharp(await bytesOf(jpeg)).stats();
    expect(channels.map(({ min }) => Math.round(min))).toEqual([255, 255, 255]);
  });

  test('keeps its colours: a wide profile is converted to sRGB', async () => {
    const red = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#ff0000' } })
      .withIccProfile('p3')
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const content = await read('p3.png', red, { maxWidth: 32 });
    const [pixel] = [
      await sharp(await bytesOf(content))
        .raw()
        .toBuffer(),
    ];
    const [expected] = [await sharp(red).toColourspace('srgb').raw().toBuffer()];
    expect([...pixel.subarray(0, 3)]).toEqual([...expected.subarray(0, 3)]);
  });

  test.each(['gif', 'webp'] as const)(
    'that is an animated %s stays animated, whatever the profile wants',
    async (format) => {
      const frames = await animation(format, 4);
      for (const wanted of ['keep', 'jpeg', 'webp'] as const) {
        const content = await read(`moving.${format}`, frames, { format: wanted, maxWidth: 40 });
        const facts = await sharp(await bytesOf(content), { animated: true }).metadata();
        expect(facts).toMatchObject({
          format: wanted === 'webp' ? 'webp' : format,
          pages: 4,
          width: 40,
          pageHeight: 30,
        });
      }
    },
  );

  test('that is an animated PNG loses its metadata alone, because only its first picture would survive', async () => {
    const still = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
      .png()
      .toBuffer();
    const control = chunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]));
    const moving = Buffer.concat([still.subarray(0, 33), control, still.subarray(33)]);
    expect(await read('moving.png', moving, { maxWidth: 4 })).toMatchObject({
      isProcessed: false,
      sha256: sha256(moving),
    });
    const notes = [chunk('tEXt', Buffer.from('Author\0Ada')), chunk('eXIf', Buffer.from('MM where it was taken'))];
    const [head, rest] = [moving.subarray(0, 33), moving.subarray(33)];
    const telling = Buffer.concat([head, ...notes, rest, Buffer.from('hidden behind the end')]);
    const content = await read('telling.png', telling, { maxWidth: 4 });
    expect(content).toMatchObject({ isProcessed: true, sha256: sha256(moving), mimeType: 'image/png' });
    expect(await bytesOf(content)).toEqual(moving);
    expect(content.original?.sha256).toBe(sha256(telling));
    await expect(read('cut.png', telling.subarray(0, 150))).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
    const garbage = chunk('IDAT', Buffer.from('no picture'));
    const broken = Buffer.concat([moving.subarray(0, 53), garbage, chunk('IEND', Buffer.alloc(0))]);
    await expect(read('broken.png', broken)).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
    const late = Buffer.concat([still.subarray(0, -12), control, still.subarray(-12)]);
    expect(await sharp(await bytesOf(await read('late.png', late, { maxWidth: 4 }))).metadata()).toMatchObject({
      width: 4,
    });
  });

  test.each([
    ['true colour', { palette: false }],
    ['a palette', { palette: true, colours: 4 }],
  ])('that is an animated PNG of %s is read to its last picture', async (_, options) => {
    const still = (background: string, width: number) =>
      sharp({ create: { width, height: 8, channels: 4, background } })
        .png(options)
        .toBuffer();
    const [first, later] = [await still('#f00', 8), await still('#f00', 6)];
    const animated = (data: Buffer, width = 6) => {
      const at = first.indexOf('IDAT') - 4;
      return Buffer.concat([
        ...[first.subarray(0, at), chunk('acTL', numbers(2, 0)), frameControl(0, 8), first.subarray(at, -12)],
        ...[frameControl(1, width), chunk('fdAT', Buffer.concat([numbers(2), data])), chunk('IEND', Buffer.alloc(0))],
      ]);
    };
    const data = later.subarray(later.indexOf('IDAT') + 4, -16);
    const whole = animated(data);
    expect(await read('whole.png', whole)).toMatchObject({ isProcessed: false, sha256: sha256(whole) });
    for (const broken of [animated(data.subarray(0, -8)), animated(Buffer.from('no picture')), animated(data, 9)]) {
      await expect(read('broken.png', broken)).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
    }
    await expect(read('cut.png', whole.subarray(0, -30))).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
    await expect(read('bomb.png', animated(data, 100_000_000))).rejects.toMatchObject({ code: 'CONTENT_UNSAFE' });
    const nothing = Buffer.from(whole);
    nothing.writeUInt32BE(0, whole.lastIndexOf('fcTL') + 8);
    await expect(read('nothing.png', nothing)).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
  });

  test('that is a JPEG image loses what lies between its scans, and the thumbnail of JFIF', async () => {
    const plain = await photograph(64, 64, { withMetadata: false });
    const progressive = await sharp(plain).jpeg({ progressive: true }).toBuffer();
    const lastScan = progressive.lastIndexOf(Buffer.from([0xff, 0xda]));
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, 8]), Buffer.from('secret')]);
    const between = Buffer.concat([progressive.subarray(0, lastScan), comment, progressive.subarray(lastScan)]);
    const jfif = [0xff, 0xe0, 0, 22, ...Buffer.from('JFIF\0'), 1, 2, 0, 0, 1, 0, 1, 1, 2];
    const thumbnail = Buffer.concat([Buffer.from(jfif), Buffer.from('secret')]);
    const small = Buffer.concat([plain.subarray(0, 2), thumbnail, plain.subarray(2)]);
    for (const hiding of [between, small]) {
      const content = await read('hiding.jpg', hiding, { quality: 100 });
      expect(content.isProcessed).toBe(true);
      expect((await bytesOf(content)).includes('secret')).toBe(false);
    }
  });

  test('that is lossless WebP is coded without loss', async () => {
    const noise = await sharp({
      create: {
        width: 60,
        height: 60,
        channels: 3,
        background: '#000',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    })
      .webp({ lossless: true, effort: 0 })
      .withExif({ IFD0: { Make: 'Acme' } })
      .toBuffer();
    const content = await read('exact.webp', noise);
    expect(content.isProcessed).toBe(true);
    expect(
      await sharp(await bytesOf(content))
        .raw()
        .toBuffer(),
    ).toEqual(await sharp(noise).raw().toBuffer());
  });
});

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** Of a picture 8 pixels high (PNG specification, third edition, 11.3.6.2). */
function frameControl(sequence: number, width: number): Buffer {
  return chunk('fcTL', Buffer.concat([numbers(sequence, width, 8, 0, 0), Buffer.from([0, 1, 0, 10, 0, 0])]));
}

describe('an image that was transformed before', () => {
  test('is known by its hash and not decoded; its bytes can be made all the same', async () => {
    const photo = await photograph(300, 200);
    const first = await read('photo.jpg', photo);
    const asked: unknown[] = [];
    const known = { sha256: first.sha256, size: first.size, mimeType: first.mimeType };
    const content = await read(
      'photo.jpg',
      photo,
      {},
      {
        recognise: async (original) => {
          asked.push(original);
          return known;
        },
      },
    );
    expect(asked).toEqual([first.original]);
    expect(content).toMatchObject({ ...known, isProcessed: true, extension: '.jpg' });
    expect(content.body.bytes).toBeUndefined();
    expect(sha256(await bytesOf(content))).toBe(first.sha256);
    expect(await content.remake?.()).toMatchObject({ ...known, isProcessed: true });
  });

  test('and was best left as it was is stored as it came', async () => {
    const photo = await photograph(300, 200, { withMetadata: false, quality: 60 });
    const content = await read('photo.jpg', photo, {}, { recognise: async () => 'as-it-came' });
    expect(content.remake).toBeUndefined();
    expect(await bytesOf(content)).toEqual(photo);
  });
});

describe('an image is refused', () => {
  test.each([
    ['that is cut off', async () => (await photograph(400, 300)).subarray(0, 9000), 'cut.jpg'],
    [
      'whose picture is garbage',
      async () =>
        garbled(
          await sharp({
            create: {
              width: 50,
              height: 50,
              channels: 3,
              background: '#abc',
              noise: { type: 'gaussian', mean: 99, sigma: 30 },
            },
          })
            .png()
            .toBuffer(),
        ),
      'bad.png',
    ],
    ['that is cut off and animated', async () => (await animation('gif', 8)).subarray(0, 700), 'cut.gif'],
  ])('%s', async (_, make, name) => {
    await expect(read(name, await make())).rejects.toMatchObject({ code: 'TYPE_MISMATCH' });
  });

  test('that has more pixels than is sane, before it is decoded', async () => {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(16_000, 0);
    header.writeUInt32BE(16_000, 4);
    header.set([8, 2, 0, 0, 0], 8);
    const bomb = Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk('IHDR', header),
      chunk('IDAT', Buffer.from([0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01])),
      chunk('IEND', Buffer.alloc(0)),
    ]);
    await expect(read('bomb.png', bomb)).rejects.toMatchObject({ code: 'CONTENT_UNSAFE' });
  });

  test('that is coded in thousands of scans, each over the whole picture and hardly longer than its marker', async () => {
    const progressive = await sharp(await photograph(64, 64, { withMetadata: false }))
      .jpeg({ progressive: true })
      .toBuffer();
    const start = progressive.lastIndexOf(Buffer.from([0xff, 0xda]));
    const again = Array(5000).fill(progressive.subarray(start, -2));
    const bomb = Buffer.concat([progressive.subarray(0, start), ...again, progressive.subarray(-2)]);
    await expect(read('scans.jpg', bomb)).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('scans'),
    });
    expect(await read('whole.jpg', progressive, { maxWidth: 32 })).toMatchObject({ isProcessed: true });
    // What telephones append to a photograph is no part of it.
    const withVideo = Buffer.concat([await photograph(64, 64), ...Array(500).fill(Buffer.from([0xff, 0xda, 0, 2]))]);
    expect(await read('motion.jpg', withVideo)).toMatchObject({ isProcessed: true });
  });

  test.each<[string, (image: Buffer) => Buffer]>([
    ['jpeg', (image) => piecesBehind(image, 2, [0xff, 0xe1, 0, 2])],
    ['png', (image) => piecesBehind(image, 33, [...chunk('noTe', Buffer.alloc(0))])],
    ['gif', (image) => piecesBehind(image, 13 + 3 * 2 ** ((image.readUInt8(10) & 7) + 1), [0x21, 0xfe, 1, 65, 0])],
    ['webp', (image) => withRiffLength(piecesBehind(image, image.length, [...Buffer.from('note'), 0, 0, 0, 0]))],
  ])('that is a million empty pieces in a %s file, which nobody has time and memory for', async (format, bloat) => {
    const small = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#975' } })
      .toFormat(format as 'jpeg')
      .toBuffer();
    await expect(read(`pieces.${format}`, bloat(small))).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('more than 1000000 pieces'),
    });
  });

  test('that has more JPEG segments than a library should keep', async () => {
    const photo = await photograph(32, 32);
    const segments = Buffer.alloc(4 * 10_000, Buffer.from([0xff, 0xe1, 0, 2]));
    await expect(
      read('kept.jpg', Buffer.concat([photo.subarray(0, 2), segments, photo.subarray(2)])),
    ).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('segments'),
    });
  });

  test('that is a WebP animation of more pictures than can be read in sane time', async () => {
    const moving = await animation('webp', 2);
    const pictures = Buffer.alloc(
      24 * 10_000,
      Buffer.concat([Buffer.from('ANMF'), Buffer.from([16, 0, 0, 0]), Buffer.alloc(16)]),
    );
    await expect(read('long.webp', withRiffLength(Buffer.concat([moving, pictures])))).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('pictures'),
    });
  });

  test('that would be held whole in more memory than is sane', async () => {
    const large = sharp({ create: { width: 9000, height: 9000, channels: 3, background: '#987' } });
    const bytes = await large.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer();
    await expect(read('held.jpg', bytes)).rejects.toMatchObject({ code: 'CONTENT_UNSAFE' });
  });

  test('of few bytes that the library would hold several times over', async () => {
    const bytes = manyPictures(10_900, 10_900, 1);
    await expect(read('held.gif', bytes)).rejects.toMatchObject({
      code: 'CONTENT_UNSAFE',
      message: expect.stringContaining('memory'),
    });
  });

  test('whose many pictures have more pixels together', async () => {
    const bomb = manyPictures(8000, 8000, 4);
    await expect(read('bomb.gif', bomb)).rejects.toMatchObject({ code: 'CONTENT_UNSAFE' });
  });
});

function piecesBehind(image: Buffer, at: number, piece: number[]): Buffer {
  const pieces = Buffer.alloc(piece.length * 1_000_000, Buffer.from(piece));
  return Buffer.concat([image.subarray(0, at), pieces, image.subarray(at)]);
}

function withRiffLength(webp: Buffer): Buffer {
  webp.writeUInt32LE(webp.length - 8, 4);
  return webp;
}

/** A GIF of so many empty pictures: a few bytes each. */
function manyPictures(width: number, height: number, pages: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  const head = Buffer.concat([Buffer.from('GIF89a'), size, Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255])]);
  const picture = Buffer.concat([
    Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0]),
    size,
    Buffer.from([0, 2, 2, 0x44, 0x01, 0]),
  ]);
  return Buffer.concat([head, ...Array(pages).fill(picture), Buffer.from([0x3b])]);
}

function garbled(png: Buffer): Buffer {
  const start = png.indexOf('IDAT') + 4;
  const length = png.readUInt32BE(start - 8);
  const copy = Buffer.from(png);
  copy.fill(0x5a, start + 40, start + length - 4);
  copy.writeUInt32BE(crcOf(copy.subarray(start - 4, start + length)), start + length);
  return copy;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
