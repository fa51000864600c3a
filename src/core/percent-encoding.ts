/** Percent-encodes everything but letters, digits and `-._~` (RFC 3986, 2.3). */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const NEEDS_NO_ENCODING = /^[\w.~/-]*$/;

/** A key as the path of an URL: segment by segment. */
export function encodePath(key: string): string {
  if (NEEDS_NO_ENCODING.test(key)) return key;
  return encodeRfc3986(key).replaceAll('%2F', '/');
}
