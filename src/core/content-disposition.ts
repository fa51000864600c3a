import { encodeRfc3986 } from './percent-encoding.ts';

/** The header that names a download: RFC 6266, with an ASCII name for old clients and the real one in UTF-8. */
export function contentDisposition(name: string, inline: boolean): string {
  const kind = inline ? 'inline' : 'attachment';
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encodeRfc3986(name)}`;
}
