import { isUtf8 } from 'node:buffer';

/** What the Content-Disposition of a form's part says. */
export interface PartDisposition {
  name: string | undefined;
  /** undefined: it is no file. */
  filename: string | undefined;
}

export class UnreadableName extends Error {
  override readonly name = 'UnreadableName';
}

const PARAMETER = /;[ \t]*([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|([^;\s"]*))[ \t]*/y;

/**
 * Reads a header whose characters are bytes (RFC 7578, 4.2). In a quoted file name browsers and curl write a quotation
 * mark as %22, and no other character so; the extended one (RFC 5987), which goes before it, is percent-encoded whole.
 * @returns undefined if it is not that of a form's part
 * @throws UnreadableName for one that is not in UTF-8
 */
export function parseDisposition(header: string): PartDisposition | undefined {
  const parameters = parametersOf(header);
  if (parameters === undefined) return undefined;
  const extended = parameters.get('filename*');
  const quoted = parameters.get('filename');
  return {
    name: decodeUtf8(parameters.get('name')),
    filename: extended === undefined ? decodeUtf8(quoted)?.replaceAll('%22', '"') : decodeExtended(extended),
  };
}

function parametersOf(header: string): Map<string, string> | undefined {
  const [type = ''] = header.split(';', 1);
  if (type.trim().toLowerCase() !== 'form-data') return undefined;
  const parameters = new Map<string, string>();
  let at = type.length;
  while (at < header.length) {
    PARAMETER.lastIndex = at;
    const [whole, name = '', quoted, token = ''] = PARAMETER.exec(header) ?? [];
    if (whole === undefined) return undefined;
    // A backslash before anything else is one: paths of Windows come so.
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(["\\])/g, '$1') ?? token);
    at += whole.length;
  }
  return parameters;
}

function decodeUtf8(bytes: string | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const buffer = Buffer.from(bytes, 'latin1');
  if (!isUtf8(buffer)) throw new UnreadableName('it is not valid UTF-8');
  return buffer.toString();
}

function decodeExtended(value: string): string {
  const [, charset = '', encoded = ''] = /^([^']*)'[^']*'((?:%[0-9a-f]{2}|[^%'])*)$/i.exec(value) ?? [];
  const bytes = encoded.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (charset.toLowerCase() === 'iso-8859-1') return bytes;
  if (charset.toLowerCase() !== 'utf-8') throw new UnreadableName('its charset is neither UTF-8 nor ISO-8859-1');
  return decodeUtf8(bytes) ?? '';
}
