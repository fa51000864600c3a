/** A compact document that names each key of an object once: `JSON.parse` would take the last and say nothing. */
export function parseDocument(text: string) {
  const document = JSON.parse(text);
  if (JSON.stringify(document) === text.replaceAll('\n', '')) return document;
  throw new Error(`a key is there twice: ${text}`);
}
