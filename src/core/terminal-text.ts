/**
 * Control characters (they move the cursor, colour, or break a line), Unicode line separators,
 * invisible and direction-changing characters (they show a name as something that it is not:
 * U+202E turns `gpj.exe` into `exe.jpg`), and halves of surrogate pairs. The joiners U+200C and
 * U+200D stay: emoji and several scripts need them.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text that came from outside (file names, tags, a server's words) in one line that a terminal
 * shows as it is. What it escapes becomes plain ASCII, so escaping twice changes nothing.
 */
export function escapeForTerminal(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? escapeCharacter(character));
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/**
 * JSON text in which the same characters, but the line breaks of its layout, are written as
 * `\uXXXX`: the same value for a program, harmless on a terminal.
 */
export function escapeJsonForTerminal(json: string): string {
  return json.replace(UNSAFE, (character) => (character === '\n' ? character : escapeForJson(character)));
}

function escapeForJson(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
