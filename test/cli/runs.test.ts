import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Invocation } from '../../src/cli/command.ts';
import type { Format } from '../../src/cli/output/format.ts';
import { createOutput } from '../../src/cli/output/output.ts';
import { startProgress } from '../../src/cli/output/progress.ts';
import { reportRun } from '../../src/cli/output/runs.ts';
import { createWriter, ReaderGone, stopWithReader } from '../../src/cli/output/streams.ts';
import { AssetError, type ErrorCode } from '../../src/core/errors.ts';
import { createTestHost, type TestHost, type TestHostOptions } from '../support/host.ts';

type Outcome = { name: string } | { name: string; code: ErrorCode };

function outputOn(host: TestHost, format: Format, quiet = false) {
  const choices = { format, quiet, verbose: false, progress: true, color: true };
  return createOutput(createWriter(host.stdout), createWriter(host.stderr), choices);
}

async function* from(outcomes: readonly Outcome[], end?: Error): AsyncGenerator<Outcome> {
  yield* outcomes;
  if (end !== undefined) throw end;
}

/** Runs a report of these outcomes as a command would. */
async function report(format: Format, outcomes: AsyncIterable<Outcome>, host: TestHost, quiet = false) {
  let done = 0;
  const invocation: Invocation = {
    globals: {},
    streams: host,
    output: outputOn(host, format, quiet),
    version: '0.0.0',
    signal: new AbortController().signal,
    context: () => Promise.reject(new Error('not needed')),
    describeSettings: () => Promise.resolve(''),
    setup: () => Promise.reject(new Error('not needed')),
  };
  return reportRun<Outcome, { name: string }>(invocation, outcomes, {
    shape: {
      listName: 'items',
      toJson: ({ name }) => ({ name }),
      columns: [{ header: 'NAME', value: ({ name }) => name, width: 8, flexible: true }],
    },
    toItem: (outcome) =>
      'code' in outcome
        ? {
            subject: outcome.name,
            identity: { id: outcome.name },
            failure: { code: outcome.code, message: 'refused', hint: 'try' },
          }
        : { item: outcome },
    count: () => {
      done += 1;
    },
    summary: (failed) => ({ done, failed }),
    describe: (failed) => `${done} done, ${failed} failed`,
  });
}

const MIXED: Outcome[] = [{ name: 'a' }, { name: 'b', code: 'FILE_EMPTY' }, { name: 'c' }];

describe('a run over several items', () => {
  test('in text: a table on stdout, failures and the sum on stderr', async () => {
    const host = createTestHost();
    expect(await report('text', from(MIXED), host)).toBe(9);
    expect(host.out()).toBe('NAME\na\nc\n');
    expect(host.errors()).toBe('failed: b: refused\nhint:  try\n2 done, 1 failed\n');
  });

  test('in json: one document, and one error value', async () => {
    const host = createTestHost();
    expect(await report('json', from(MIXED), host)).toBe(9);
    expect(JSON.parse(host.out())).toEqual({
      items: [{ name: 'a' }, { name: 'c' }],
      failed: [{ id: 'b', code: 'FILE_EMPTY', message: 'refused', hint: 'try' }],
      summary: { done: 2, failed: 1 },
    });
    expect(JSON.parse(host.errors()).error).toMatchObject({ code: 'SOME_FAILED', details: { failed: 1, total: 3 } });
  });

  test('in jsonl: a line for each as it happens, then the summary', async () => {
    const host = createTestHost();
    expect(await report('jsonl', from(MIXED), host)).toBe(9);
    const lines = host
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { name: 'a' },
      { id: 'b', code: 'FILE_EMPTY', message: 'refused', hint: 'try' },
      { name: 'c' },
      { summary: { done: 2, failed: 1 } },
    ]);
  });

  test('jsonl does not wait for more', async () => {
    const host = createTestHost();
    let seen = '';
    async function* slow(): AsyncGenerator<Outcome> {
      yield { name: 'first' };
      seen = host.out();
      yield { name: 'second' };
    }
    await report('jsonl', slow(), host);
    expect(seen).toBe('{"name":"first"}\n');
  });

  test('of one item ends with its code, and says its error', async () => {
    const host = createTestHost();
    expect(await report('json', from([{ name: 'b', code: 'TARGET_EXISTS' }]), host)).toBe(11);
    expect(JSON.parse(host.errors()).error).toMatchObject({ code: 'TARGET_EXISTS', hint: 'try' });
  });

  test('of nothing is complete and well', async () => {
    const host = createTestHost();
    expect(await report('json', from([]), host)).toBe(0);
    expect(JSON.parse(host.out())).toEqual({ items: [], failed: [], summary: { done: 0, failed: 0 } });
  });

  test('that breaks off closes its document with what was done', async () => {
    const host = createTestHost();
    const away = new AssetError('UNAVAILABLE', 'the database went away');
    await expect(report('json', from(MIXED, away), host)).rejects.toBe(away);
    expect(JSON.parse(host.out()).summary).toEqual({ done: 2, failed: 1 });
  });

  test('that never began writes nothing', async () => {
    const host = createTestHost();
    const away = new AssetError('UNAVAILABLE', 'the database is away');
    await expect(report('json', from([], away), host)).rejects.toBe(away);
    expect(host.out()).toBe('');
  });

  test('--quiet leaves results and failures', async () => {
    const host = createTestHost();
    await report('text', from(MIXED), host, true);
    expect(host.out()).toBe('NAME\na\nc\n');
    expect(host.errors()).toBe('failed: b: refused\nhint:  try\n');
  });

  test('colours are for terminals', async () => {
    const host = createTestHost({ columns: 80 });
    await report('text', from(MIXED), host);
    expect(host.out()).toContain('\u001b[1mNAME');
    expect(host.errors()).toContain('\u001b[31mfailed:');
  });
});

describe('progress', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function start(options: TestHostOptions, quiet = false) {
    vi.useFakeTimers();
    const host = createTestHost(options);
    return { host, progress: startProgress(outputOn(host, 'text', quiet), host) };
  }

  test('without a terminal is one plain line at most every 10 s, the latest', () => {
    const { host, progress } = start({});
    for (let second = 0; second < 25; second += 1) {
      progress.update(() => `${second} done`);
      vi.advanceTimersByTime(1000);
    }
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(host.errors()).toBe('9 done\n19 done\n');
  });

  test('says nothing twice', () => {
    const { host, progress } = start({});
    progress.update(() => '1 done');
    vi.advanceTimersByTime(60_000);
    progress.stop();
    expect(host.errors()).toBe('1 done\n');
  });

  test('is silent with --quiet', () => {
    const { host, progress } = start({}, true);
    const text = vi.fn(() => '1 done');
    progress.update(text);
    vi.advanceTimersByTime(60_000);
    expect(host.errors()).toBe('');
    expect(text).not.toHaveBeenCalled();
  });

  test('on a terminal draws nothing for a quick command', () => {
    const { host, progress } = start({ columns: 80 });
    progress.update(() => '1 done');
    vi.advanceTimersByTime(100);
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(host.errors()).toBe('');
  });
});

test('a reader that is gone stops a command that reads, not one that changes', async () => {
  const host = createTestHost();
  const writer = createWriter(host.stdout);
  host.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await new Promise(setImmediate);
  await writer.write('goes on');
  expect(writer.closed).toBe(true);
  await expect(stopWithReader(writer).write('stops')).rejects.toBeInstanceOf(ReaderGone);
});
