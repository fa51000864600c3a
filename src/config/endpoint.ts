export const ENDPOINT_FORM = 'Write http(s)://<host>[:<port>][/<path>], without user, password, query and fragment.';

/** An address to which requests go. A password in it is refused: credentials have their own chain. */
export function isEndpoint(value: string): boolean {
  return /^https?:\/\/[^\s?#@]+$/.test(value) && URL.canParse(value);
}
