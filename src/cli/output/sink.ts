import type { FailureRecord } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';
import { csvLine } from './csv.ts';
import { renderFailure } from './errors.ts';
import { growDocument, jsonLine } from './json.ts';
import type { Output } from './output.ts';
import { type Column, createTable } from './table.ts';

/** How the items of one command look in every format. */
export interface ItemShape<T> {
  /** The list's name in the JSON document; absent: items are shown as they happen, but not part of it. */
  listName?: string;
  toJson: (item: T) => object;
  columns: readonly Column<T>[];
  /** Items may be skipped: `json` lists them beside those that failed. */
  skips?: true;
  /** Column names and cells of `csv`, for commands that have it. */
  csv?: { header: readonly string[]; row: (item: T) => (string | number | boolean | null)[] };
}

/** Where a command puts its results as they come. Memory stays flat: only what failed or was skipped is kept, for `json`. */
export interface ItemSink<T> {
  add(items: readonly T[]): Promise<void>;
  /** `subject` names the item to people, `identity` to programs: `{ source }` or `{ id }`. */
  fail(subject: string, identity: object, failure: FailureRecord): Promise<void>;
  /** What stays as it is, and why; named with `-v`, to programs always. */
  skip(subject: string, identity: object, reason: string): Promise<void>;
  /** What is known at the end; `summary` also ends `jsonl`. */
  end(trailer?: Readonly<Record<string, unknown>>): Promise<void>;
}

/** `beforeWriting` makes room where a progress line is. */
export function createSink<T>(output: Output, shape: ItemShape<T>, beforeWriting?: () => void): ItemSink<T> {
  return inChunks(plainSink(output, shape), output.format === 'jsonl' ? 1 : CHUNK_ITEMS, beforeWriting);
}

const CHUNK_ITEMS = 200;
const CHUNK_MILLISECONDS = 250;

/** Gathers single items, so that thousands of them cost few writes and few tables; nobody waits long for one. */
function inChunks<T>(sink: ItemSink<T>, most: number, beforeWriting: () => void = () => undefined): ItemSink<T> {
  let chunk: T[] = [];
  let lastWrite = 0;
  const flush = async (): Promise<void> => {
    const items = chunk;
    chunk = [];
    lastWrite = Date.now();
    beforeWriting();
    await sink.add(items);
  };
  return {
    async add(items) {
      chunk.push(...items);
      if (chunk.length >= most || Date.now() - lastWrite > CHUNK_MILLISECONDS) await flush();
    },
    async fail(subject, identity, failure) {
      await flush();
      await sink.fail(subject, identity, failure);
    },
    async skip(subject, identity, reason) {
      await flush();
      await sink.skip(subject, identity, reason);
    },
    async end(trailer) {
      await flush();
      await sink.end(trailer);
    },
  };
}

function plainSink<T>(output: Output, shape: ItemShape<T>): ItemSink<T> {
  switch (output.format) {
    case 'json':
      return jsonSink(output, shape);
    case 'jsonl':
      return jsonlSink(output, shape);
    case 'csv':
      return csvSink(output, shape);
    case 'text':
      return textSink(output, shape);
    case 'prometheus':
      throw new Error('a list has no prometheus form');
  }
}

function failureJson(identity: object, failure: FailureRecord): object {
  const { code, message, hint, signature, requestId } = failure;
  const more = { ...(signature === undefined ? {} : { signature }), ...(requestId === undefined ? {} : { requestId }) };
  return { ...identity, code, message: redactText(message), hint: hint ?? null, ...more };
}

function jsonSink<T>(output: Output, shape: ItemShape<T>): ItemSink<T> {
  const failures: object[] = [];
  const skipped: object[] = [];
  const document = shape.listName === undefined ? undefined : growDocument(output.out, shape.listName);
  return {
    async add(items) {
      await document?.add(items.map(shape.toJson));
    },
    async fail(_subject, identity, failure) {
      failures.push(failureJson(identity, failure));
    },
    async skip(_subject, identity, reason) {
      skipped.push({ ...identity, reason });
    },
    async end(trailer = {}) {
      const lists = shape.skips === true ? { failed: failures, skipped } : { failed: failures };
      const complete = 'summary' in trailer ? { ...lists, ...trailer } : trailer;
      if (document === undefined) await output.out.write(jsonLine(complete));
      else await document.end(complete);
    },
  };
}

function jsonlSink<T>(output: Output, shape: ItemShape<T>): ItemSink<T> {
  return {
    async add(items) {
      await output.out.write(items.map((item) => jsonLine(shape.toJson(item))).join(''));
    },
    async fail(_subject, identity, failure) {
      await output.out.write(jsonLine(failureJson(identity, failure)));
    },
    async skip(_subject, identity, reason) {
      await output.out.write(jsonLine({ ...identity, reason }));
    },
    async end(trailer = {}) {
      if ('summary' in trailer) await output.out.write(jsonLine({ summary: trailer['summary'] }));
    },
  };
}

function csvSink<T>(output: Output, shape: ItemShape<T>): ItemSink<T> {
  const { csv } = shape;
  if (csv === undefined) throw new Error('a command offered csv without saying what its columns are');
  let headerDue = true;
  const header = (): string => {
    if (!headerDue) return '';
    headerDue = false;
    return csvLine(csv.header);
  };
  return {
    async add(items) {
      await output.out.write(header() + items.map((item) => csvLine(csv.row(item))).join(''));
    },
    async fail(subject, _identity, failure) {
      await output.err.write(renderFailure(subject, failure, output.paintError));
    },
    skip: () => Promise.resolve(),
    async end() {
      await output.out.write(header());
    },
  };
}

function textSink<T>(output: Output, shape: ItemShape<T>): ItemSink<T> {
  const render = createTable(shape.columns, output.out.columns, output.paint);
  return {
    async add(items) {
      await output.out.write(await render(items));
    },
    async fail(subject, _identity, failure) {
      await output.err.write(renderFailure(subject, failure, output.paintError));
    },
    async skip(subject, _identity, reason) {
      if (output.verbose) output.note(`skipped: ${subject}: ${reason}`);
    },
    end: () => Promise.resolve(),
  };
}
