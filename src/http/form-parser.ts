/** What is read of a form, in its order. */
export type FormEvent = { kind: 'part'; headers: PartHeaders } | { kind: 'data'; bytes: Buffer };

/** By name in lower case; a character for each byte. */
export type PartHeaders = ReadonlyMap<string, string>;

export interface FormParser {
  /** @throws MalformedForm */
  push(chunk: Buffer): FormEvent[];
  /** Whether the last boundary has come; what follows it counts for nothing. */
  isWhole(): boolean;
}

export class MalformedForm extends Error {
  override readonly name = 'MalformedForm';
}

const LARGEST_HEADERS = 16 * 1024;
const LINE_END = Buffer.from('\r\n');
const HEADERS_END = Buffer.from('\r\n\r\n');
/** After a boundary: blanks to the end of its line, or the sign that it was the last. */
const LONGEST_BOUNDARY_LINE = 256;

type State = 'preamble' | 'boundary' | 'headers' | 'data' | 'end';

/** Parses multipart/form-data (RFC 7578) over any chunking. Data are views of the chunks, never copied. */
export function createFormParser(boundary: string): FormParser {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const opening = delimiter.subarray(LINE_END.length);
  let state: State = 'preamble';
  // The first boundary stands at the beginning of a line as well.
  let rest: Buffer = LINE_END;

  /** @returns whether more can be read of what is there */
  function step(events: FormEvent[]): boolean {
    if (state === 'preamble' || state === 'data') return readToDelimiter(events);
    if (state === 'boundary') return readBoundaryLine();
    return state === 'headers' && readHeaders(events);
  }

  function readToDelimiter(events: FormEvent[]): boolean {
    const found = rest.indexOf(delimiter);
    // What is too short to hold a delimiter may be the beginning of one.
    const end = found === -1 ? Math.max(0, rest.length - delimiter.length + 1) : found;
    if (state === 'data' && end > 0) events.push({ kind: 'data', bytes: rest.subarray(0, end) });
    rest = rest.subarray(found === -1 ? end : end + delimiter.length);
    if (found !== -1) state = 'boundary';
    return found !== -1;
  }

  function readBoundaryLine(): boolean {
    if (rest.length < LINE_END.length) return false;
    if (rest.toString('latin1', 0, 2) === '--') {
      state = 'end';
      return false;
    }
    const end = rest.indexOf(LINE_END);
    const line = rest.toString('latin1', 0, end === -1 ? rest.length : end);
    if (line.length > LONGEST_BOUNDARY_LINE || !/^[ \t]*\r?$/.test(line)) {
      throw new MalformedForm('something follows a boundary in its line');
    }
    if (end === -1) return false;
    // Of a part without headers this line end is a half of the sign of their end.
    rest = rest.subarray(end);
    state = 'headers';
    return true;
  }

  function readHeaders(events: FormEvent[]): boolean {
    const end = rest.indexOf(HEADERS_END);
    if ((end === -1 ? rest.length : end) > LARGEST_HEADERS)
      throw new MalformedForm('the headers of a part are too large');
    if (end === -1) return false;
    events.push({ kind: 'part', headers: parseHeaders(rest.toString('latin1', 0, end)) });
    rest = rest.subarray(end + HEADERS_END.length);
    state = 'data';
    return true;
  }

  return {
    push(chunk) {
      const events: FormEvent[] = [];
      if (state === 'end') return events;
      // Mostly the form begins with its boundary, and a small one is whole: nothing is copied.
      if (rest === LINE_END && opening.equals(chunk.subarray(0, opening.length))) {
        rest = chunk.subarray(opening.length);
        state = 'boundary';
      } else rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (step(events));
      return events;
    },
    isWhole: () => state === 'end',
  };
}

function parseHeaders(text: string): PartHeaders {
  const headers = new Map<string, string>();
  // A line that begins with a blank goes on with the one before it.
  for (const line of text.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new MalformedForm('a header of a part has no name');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
