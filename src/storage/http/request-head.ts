import type { HttpRequest } from './http-client.ts';

/** RFC 9110, section 5.5: what else stood in a value could end it, or the whole head. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TARGET = /^\/[\x21-\x7e]*$/;
const HAS_CONTENT = new Set(['PUT', 'POST', 'PATCH']);

/**
 * The first line and the fields of a request.
 * @throws TypeError for what no request can carry
 */
export function requestHead({ method, path, headers, body }: HttpRequest, host: string): string {
  if (!TARGET.test(path)) throw new TypeError('a path of a request holds what must be encoded');
  let head = `${method} ${path} HTTP/1.1\r\n`;
  if (headers['host'] === undefined) head += `host: ${host}\r\n`;
  let values = '';
  for (const name in headers) {
    const value = headers[name] ?? '';
    head += `${name}: ${value}\r\n`;
    values += value;
  }
  if (!FIELD_VALUE.test(values)) throw new TypeError(`the value of ${refused(headers)} holds what no header can`);
  if (headers['content-length'] === undefined && (body !== undefined || HAS_CONTENT.has(method))) {
    head += `content-length: ${body?.byteLength ?? 0}\r\n`;
  }
  return `${head}\r\n`;
}

function refused(headers: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(headers).find((name) => !FIELD_VALUE.test(headers[name] ?? ''));
}
