/**
 * A JSON text that both databases can store: PostgreSQL has neither NUL nor half a surrogate pair in texts,
 * so each becomes U+FFFD.
 */
export function toJsonText(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\u') || !/\\u0000|\\ud[89a-f]/.test(text)) return text;
  return JSON.stringify(value, (_, part: unknown) => storablePart(part));
}

function storablePart(part: unknown): unknown {
  if (typeof part === 'string') return storable(part);
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [storable(name), value]));
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}
