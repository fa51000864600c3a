import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BodySource } from '../../src/core/body.ts';
import { scanAssets } from '../../src/operations/scan/scan.ts';
import { SCAN_MARGIN, type Scanner, type ScanOptions } from '../../src/scan/scanner.ts';
import { SCAN_ALL } from '../support/scan-all.ts';
import { collect, uploadPaths, writeText } from '../support/uploads.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

const ONE_BY_ONE = { ...SCAN_ALL, concurrency: 1 };
/** More than there are pieces of memory. */
const MANY = 40;

interface Sent {
  text: string;
  memory: ArrayBufferLike | undefined;
  hasMargin: boolean;
}

/** Scans everything, and tells what the scanner was given. */
async function scanning(work: Workspace, judge: (text: string) => void = () => undefined): Promise<Sent[]> {
  const sent: Sent[] = [];
  const scanner: Scanner = {
    async scan(body, options = {}) {
      const text = Buffer.from(body.bytes ?? []).toString();
      sent.push({ text, memory: body.bytes?.buffer, hasMargin: useMargin(body, options) });
      judge(text);
      return { status: 'CLEAN', result: null, signatureVersion: '1', scannedAt: new Date() };
    },
    version: async () => ({ engine: 'ClamAV', signatureVersion: '1', signatureDate: null }),
    inspect: () => Promise.reject(new Error('nobody asks')),
  };
  await collect(
    scanAssets(work.context({ scanning: { mode: 'auto', expected: true, scanner: async () => scanner } }), ONE_BY_ONE),
  );
  return sent;
}

/** As a scanner that is told of a margin writes there: what is not there throws. */
function useMargin({ bytes }: BodySource, { hasMargin = false }: ScanOptions): boolean {
  if (bytes === undefined || !hasMargin) return false;
  new Uint8Array(bytes.buffer, bytes.byteOffset - SCAN_MARGIN, SCAN_MARGIN).fill(0xff);
  new Uint8Array(bytes.buffer, bytes.byteOffset + bytes.byteLength, SCAN_MARGIN).fill(0xff);
  return true;
}

async function uploaded(texts: readonly string[], compress = true): Promise<Workspace> {
  const work = await createWorkspace();
  const names = texts.map((text, index) => writeText(work.directory, `${`${index}`.padStart(3, '0')}.txt`, text));
  await uploadPaths(work.context(), await Promise.all(names), { compress });
  return work;
}

function textsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `what report ${index} says\n`.repeat(100));
}

async function stored(work: Workspace, index: number): Promise<string> {
  return join(work.directory, 'storage', `${(await work.storedFiles())[index]}`);
}

test.each([true, false])(
  'content has room for what surrounds it, whether it is stored compressed: %s',
  async (compress) => {
    const texts = textsOf(MANY);
    const sent = await scanning(await uploaded(texts, compress));
    expect(sent.map(({ text }) => text).sort()).toEqual(texts.sort());
    expect(sent.every(({ hasMargin }) => hasMargin)).toBe(true);
    expect(new Set(sent.map(({ memory }) => memory)).size).toBe(1);
  },
);

test('what cannot be read gives its memory back', async () => {
  const work = await uploaded(textsOf(MANY));
  for (let index = 0; index < MANY - 1; index += 1) await writeFile(await stored(work, index), 'damaged');
  expect(await scanning(work)).toMatchObject([{ hasMargin: true }]);
});

test('memory that a scanner has after its failure is not used again', async () => {
  const work = await uploaded(textsOf(MANY));
  const sent = await scanning(work, () => {
    throw new Error('it failed');
  });
  const memory = sent.filter(({ hasMargin }) => hasMargin).map((each) => each.memory);
  expect(memory.length).toBeGreaterThan(0);
  expect(memory.length).toBeLessThan(MANY);
  expect(new Set(memory).size).toBe(memory.length);
});

test.each([true, false])(
  'damage is found in the same memory, whether it is stored compressed: %s',
  async (compress) => {
    const work = await uploaded(textsOf(4), compress);
    const path = await stored(work, 1);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 12) ^ 1, bytes.length - 12);
    await writeFile(path, bytes);
    const sent = await scanning(work);
    expect(sent).toHaveLength(3);
    for (const { text } of sent) expect(textsOf(4)).toContain(text);
  },
);
