/**
 * A JSON text that both databases can store: PostgreSQL has neither NUL nor half a surrogate pair in texts,
 * so each becomes U+FFFD.
 */
export function toJsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\u') || !/\\u0000|\\ud[89a-f]/.test(text)) return text;
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? storable(part) : part));
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}
