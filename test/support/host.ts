import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { Host } from '../../src/cli/host.ts';

export interface TestHostOptions {
  /** stdout and stderr are terminals of so many columns. */
  columns?: number;
  /** Standard input is a terminal too. */
  interactive?: boolean;
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
}

/** A process that writes into memory and never ends. */
export interface TestHost extends Host {
  readonly out: () => string;
  readonly errors: () => string;
  readonly exits: number[];
  send(signal: 'SIGINT' | 'SIGTERM'): void;
}

export function createTestHost(options: TestHostOptions = {}): TestHost {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const stdout = capture(options.columns);
  const stderr = capture(options.columns);
  const stdin = Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)]);
  return {
    stdin: Object.assign(stdin, options.interactive === true ? { isTTY: true } : {}),
    stdout: stdout.stream,
    stderr: stderr.stream,
    out: stdout.text,
    errors: stderr.text,
    env: options.env ?? {},
    cwd: () => options.cwd ?? '/',
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
    exit: (code) => exits.push(code),
    exits,
    send: (signal) => {
      signals.emit(signal);
    },
  };
}

function capture(columns: number | undefined) {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return {
    stream: Object.assign(stream, columns === undefined ? {} : { isTTY: true, columns }),
    text: () => Buffer.concat(chunks).toString(),
  };
}
