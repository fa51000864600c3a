import { isUtf8 } from 'node:buffer';

/** A label of the WHATWG Encoding standard, in lower case. */
export type TextEncodingLabel = string;

/**
 * Tells whether content is text, over any chunking: valid in the encoding that it declares (byte
 * order mark, XML declaration, HTML charset; UTF-8 if none) and without NUL characters.
 */
export class TextScan {
  readonly #check: (chunk: Uint8Array) => boolean;
  readonly #end: () => boolean;
  readonly #encoding: TextEncodingLabel;
  #valid = true;

  /** `head`: how the content begins, at least 1024 bytes of it or all. */
  constructor(head: Uint8Array) {
    this.#encoding = declaredEncoding(head);
    const checker = this.#encoding === 'utf-8' ? utf8Checker() : decodingChecker(this.#encoding);
    this.#check = checker.check;
    this.#end = checker.end;
  }

  /** Whether it may still be text. */
  feed(chunk: Uint8Array): boolean {
    if (this.#valid) this.#valid = this.#check(chunk);
    return this.#valid;
  }

  /** The encoding if all of it was text. */
  finish(): TextEncodingLabel | undefined {
    return this.#valid && this.#end() ? this.#encoding : undefined;
  }
}

interface Checker {
  check(chunk: Uint8Array): boolean;
  end(): boolean;
}

function utf8Checker(): Checker {
  // The beginning of a character that the chunk border cut: at most 3 bytes.
  let carry = new Uint8Array(0);
  return {
    check(chunk) {
      if (hasNul(chunk)) return false;
      let rest = chunk;
      if (carry.length > 0) {
        const missing = characterLength(carry[0] ?? 0) - carry.length;
        const character = Buffer.concat([carry, chunk.subarray(0, missing)]);
        if (chunk.length < missing) {
          carry = character;
          return true;
        }
        if (!isUtf8(character)) return false;
        rest = chunk.subarray(missing);
      }
      const whole = rest.length - cutCharacterLength(rest);
      carry = Uint8Array.from(rest.subarray(whole));
      return isUtf8(rest.subarray(0, whole));
    },
    end: () => carry.length === 0,
  };
}

function hasNul(chunk: Uint8Array): boolean {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).indexOf(0) !== -1;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/** How many bytes at the end begin a character that is not whole. */
function cutCharacterLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return characterLength(byte) > back ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function decodingChecker(encoding: TextEncodingLabel): Checker {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decodes = (chunk: Uint8Array | undefined): boolean => {
    try {
      return !decoder.decode(chunk, { stream: chunk !== undefined }).includes('\0');
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  };
  return { check: decodes, end: () => decodes(undefined) };
}

const DECLARATION = /^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/;
const META_CHARSET = /<meta\b[^>]{0,200}?\bcharset\s*=\s*["']?([\w.:-]{1,40})/i;

/** UTF-8 unless a byte order mark, an XML declaration or an HTML meta element says otherwise. */
function declaredEncoding(head: Uint8Array): TextEncodingLabel {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head.find((byte) => !isBlank(byte)) !== 0x3c) return 'utf-8';
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, 1024)).toString('latin1');
  const label = DECLARATION.exec(start)?.[1] ?? META_CHARSET.exec(start)?.[1];
  return label === undefined ? 'utf-8' : legacyEncoding(label);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** What is declared in single bytes cannot be UTF-16: as browsers do, such a declaration counts as UTF-8. */
function legacyEncoding(label: string): TextEncodingLabel {
  try {
    const { encoding } = new TextDecoder(label);
    return encoding.startsWith('utf-16') ? 'utf-8' : encoding;
  } catch (error) {
    if (error instanceof RangeError) return 'utf-8';
    throw error;
  }
}

/** Reads the first characters of text, without its byte order mark. */
export function decodeHead(head: Uint8Array, encoding: TextEncodingLabel): string {
  return new TextDecoder(encoding).decode(head.subarray(0, 64 * 1024), { stream: true });
}
