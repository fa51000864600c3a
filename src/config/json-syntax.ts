const SPACE = '[ \\t\\r\\n]+';
const TEXT = '"(?:[^"\\\\\\u0000-\\u001f]|\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4}))*"';
const NUMBER = '-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?(?![\\w.])';
const WORD = '(?:true|false|null)\\b';
// A comma counts only where something can follow it.
const MARK = '[{}[\\]:]|,(?!\\s*[}\\]])';
const TOKEN = new RegExp([SPACE, TEXT, NUMBER, WORD, MARK].join('|'), 'uy');

/**
 * Where a text stops being JSON (RFC 8259): the first word of it that JSON does not have, such as a comment,
 * single quotes, a bare word or a comma before a closing bracket. JSON.parse does not tell the place of most of them.
 */
export function firstForeignOffset(text: string): number | undefined {
  let end = 0;
  while (end < text.length) {
    TOKEN.lastIndex = end;
    if (!TOKEN.test(text)) return end;
    end = TOKEN.lastIndex;
  }
  return undefined;
}
