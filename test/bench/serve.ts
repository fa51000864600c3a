import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Benchmark, type BenchOptions, type Figure, limited, median } from './benchmark.ts';
import { BOUNDARY, formsOf, secondsPerThousand, secondsToFetch } from './http-load.ts';
import { startOwn, startYardstick } from './http-servers.ts';
import { writeLargeFile } from './large-file.ts';

const MIB = 2 ** 20;
const CONNECTIONS = 50;
const SOAKING = 500;

/** Times both in turn, so that what else the machine does meets them alike. */
async function inTurn(
  options: BenchOptions,
  figure: Pick<Figure, 'name' | 'yardstick' | 'maxRatio'>,
  own: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Figure> {
  const values: number[] = [];
  const yardsticks: number[] = [];
  for (let run = 0; run < options.runs; run += 1) {
    yardsticks.push(await theirs());
    values.push(await own());
  }
  const [value, yardstickValue] = [median(values), median(yardsticks)];
  return { ...figure, value, yardstickValue, ratio: value / yardstickValue };
}

export const serveFiles: Benchmark = {
  name: 'serve-files',
  target: 'GET /files of 10 KiB answers at least 0.5 × as often as @fastify/static; seconds for 1000',
  async run(options) {
    const [own, theirs] = [await startOwn(options), await startYardstick(options)];
    try {
      const file = join(theirs.root, 'report.txt');
      writeFileSync(file, 'x'.repeat(options.fileBytes));
      const [id] = own.run('upload', file, '--json').match(/[0-9a-f-]{36}/) ?? [''];
      const url = signedAt(own.url, own.run('sign', id));
      const load = { connections: CONNECTIONS, seconds: options.httpSeconds };
      return [
        await inTurn(
          options,
          { name: 'GET /files', yardstick: '@fastify/static', maxRatio: 2 },
          () => secondsPerThousand(load, { url, expected: 200 }),
          () => secondsPerThousand(load, { url: `${theirs.url}/static/report.txt`, expected: 200 }),
        ),
      ];
    } finally {
      await Promise.all([own.stop(), theirs.stop()]);
    }
  },
};

export const serveLarge: Benchmark = {
  name: 'serve-large',
  target: 'GET /files of a large file is at least 0.8 × as fast as @fastify/static, in flat memory',
  async run(options) {
    const half = { ...options, largeFileBytes: options.largeFileBytes / 2 };
    const [own, theirs] = [await startOwn(half), await startYardstick(half)];
    try {
      const file = writeLargeFile(half, join(theirs.root, 'large.jpg'));
      const [id] = own.run('upload', file, '--json').match(/[0-9a-f-]{36}/) ?? [''];
      const url = signedAt(own.url, own.run('sign', id));
      const figure = await inTurn(
        options,
        { name: 'GET /files, large', yardstick: '@fastify/static', maxRatio: 1.25 },
        () => secondsToFetch(url),
        () => secondsToFetch(`${theirs.url}/static/large.jpg`),
      );
      return [{ ...figure, peakMemory: own.memory().peak, maxPeakMemory: 200 * MIB }];
    } finally {
      await Promise.all([own.stop(), theirs.stop()]);
    }
  },
};

export const serveUploads: Benchmark = {
  name: 'serve-uploads',
  target:
    'POST /upload of 10 KiB answers at least 0.4 × as often as a bare route that writes and syncs; seconds for 1000',
  async run(options) {
    const [own, theirs] = [await startOwn(options), await startYardstick(options)];
    try {
      const body = formsOf(options.fileBytes);
      const load = { connections: CONNECTIONS, seconds: options.httpSeconds };
      const post = { expected: 201, body, boundary: BOUNDARY };
      return [
        await inTurn(
          options,
          { name: 'POST /upload', yardstick: 'bare Fastify, multipart', maxRatio: 2.5 },
          () => secondsPerThousand(load, { ...post, url: `${own.url}/upload`, token: own.token }),
          () => secondsPerThousand(load, { ...post, url: `${theirs.url}/upload` }),
        ),
      ];
    } finally {
      await Promise.all([own.stop(), theirs.stop()]);
    }
  },
};

export const serveSoak: Benchmark = {
  name: 'serve-soak',
  target: '500 uploads and downloads at once for a minute: no error, and no more memory at the end than in the middle',
  async run(options) {
    const own = await startOwn(options);
    try {
      const file = join(options.folder, 'soak.txt');
      writeFileSync(file, 'y'.repeat(options.fileBytes));
      const [id] = own.run('upload', file, '--as', 'bench', '--json').match(/[0-9a-f-]{36}/) ?? [''];
      const body = formsOf(options.fileBytes);
      const soak = async (seconds: number) => {
        const load = { connections: SOAKING / 2, seconds };
        const upload = { url: `${own.url}/upload`, token: own.token, expected: 201, body, boundary: BOUNDARY };
        const download = { url: `${own.url}/download/${id}`, token: own.token, expected: 200 };
        // Any error ends the benchmark.
        await Promise.all([secondsPerThousand(load, upload), secondsPerThousand(load, download)]);
        return own.memory().now;
      };
      const middle = await soak(options.soakSeconds / 2);
      const end = await soak(options.soakSeconds / 2);
      return [
        {
          ...limited('growth of memory', 'percent', Math.max(0, (end / middle - 1) * 100), 25),
          peakMemory: own.memory().peak,
          maxPeakMemory: 400 * MIB,
        },
      ];
    } finally {
      await own.stop();
    }
  },
};

/** The address of the server that runs, whatever the configuration says of it. */
function signedAt(url: string, signed: string): string {
  const { pathname, search } = new URL(signed);
  return `${url}${pathname}${search}`;
}
