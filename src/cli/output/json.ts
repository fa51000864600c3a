import { escapeJsonForTerminal } from '../../core/terminal-text.ts';
import type { TextWriter } from './streams.ts';

/** Any JSON value on one line, safe to show on a terminal. */
export function jsonText(value: unknown): string {
  return escapeJsonForTerminal(JSON.stringify(value));
}

export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`;
}

/** One JSON document for reading. */
export function jsonDocument(value: unknown): string {
  return `${escapeJsonForTerminal(JSON.stringify(value, null, 2))}\n`;
}

/** One JSON object that is written as it grows: a list of items, then whatever is known at the end. */
export interface GrowingDocument {
  add(items: readonly unknown[]): Promise<void>;
  /** Ends the list and begins another. */
  next(listName: string): Promise<void>;
  end(trailer: Readonly<Record<string, unknown>>): Promise<void>;
}

export function growDocument(out: TextWriter, listName: string): GrowingDocument {
  let written = 0;
  let opening = `{${jsonText(listName)}:[`;
  return {
    async next(name) {
      await out.write(written === 0 ? `${opening}]` : '\n]');
      written = 0;
      opening = `,${jsonText(name)}:[`;
    },
    async add(items) {
      if (items.length === 0) return;
      const text = items.map(jsonText).join(',\n');
      const before = written === 0 ? `${opening}\n` : ',\n';
      written += items.length;
      await out.write(`${before}${text}`);
    },
    async end(trailer) {
      const fields = Object.entries(trailer).map(([name, value]) => `,${jsonText(name)}:${jsonText(value)}`);
      const before = written === 0 ? `${opening}]` : '\n]';
      await out.write(`${before}${fields.join('')}}\n`);
    },
  };
}
