import sharp, { type Sharp } from 'sharp';

/** Noise that a camera would see: compresses as badly as a photograph. */
export async function photograph(
  width: number,
  height: number,
  { orientation = 6, quality = 95, withMetadata = true } = {},
): Promise<Buffer> {
  const picture = noise(width, height);
  return withMetadata ? asTaken(picture, orientation, quality) : picture.jpeg({ quality }).toBuffer();
}

/** Different pictures, at the cost of one: each is another part of a larger scene. */
export async function* photographSeries(width: number, height: number, count: number): AsyncGenerator<Buffer> {
  const [columns, step] = [20, 8];
  const room = columns * step;
  const scene = await noise(width + room, height + room)
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (let index = 0; index < count; index += 1) {
    const left = (index % columns) * step;
    const top = (Math.floor(index / columns) % columns) * step;
    const part = sharp(scene.data, { raw: scene.info }).extract({ left, top, width, height });
    yield await asTaken(part, (index % 8) + 1, 95);
  }
}

function noise(width: number, height: number): Sharp {
  return sharp({
    create: { width, height, channels: 3, background: '#777', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  }).blur(2);
}

function asTaken(picture: Sharp, orientation: number, quality: number): Promise<Buffer> {
  return picture
    .withExif({ IFD0: { Make: 'Acme', Copyright: 'Ada' }, IFD3: { GPSLatitude: '51/1 30/1 0/1', GPSLatitudeRef: 'N' } })
    .withMetadata({ orientation })
    .jpeg({ quality })
    .toBuffer();
}

export async function animation(format: 'gif' | 'webp', pages: number): Promise<Buffer> {
  const [width, height] = [80, 60];
  const raw = Buffer.alloc(width * height * pages * 3);
  for (let at = 0; at < raw.length; at += 3) raw[at] = (Math.floor(at / (width * height * 3)) * 60) % 256;
  return sharp(raw, { raw: { width, height: height * pages, channels: 3, pageHeight: height } })
    .toFormat(format, { loop: 0, delay: Array(pages).fill(80) })
    .toBuffer();
}
