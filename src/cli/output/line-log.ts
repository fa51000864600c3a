import type { TextWriter } from './streams.ts';

export interface LineLog {
  write(line: string): void;
  /** Resolves when what was written has been handed on. */
  flush(): Promise<void>;
}

/** Lines that come while a reader does not keep up are kept up to here; then they are counted, not kept. */
const MOST_WAITING = 50_000;

/** Writes the lines of one turn of the event loop at one stroke. */
export function createLineLog(writer: TextWriter): LineLog {
  let waiting: string[] = [];
  let dropped = 0;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      if (dropped > 0) lines.push(JSON.stringify({ level: 'warning', message: `${dropped} lines were not written` }));
      dropped = 0;
      await writer.write(`${lines.join('\n')}\n`);
    }
    writing = undefined;
  }

  return {
    write(line) {
      if (waiting.length >= MOST_WAITING) dropped += 1;
      else waiting.push(line);
      // Nobody is left to tell if stderr itself fails.
      writing ??= writeAll().catch(() => undefined);
    },
    async flush() {
      await writing;
    },
  };
}
