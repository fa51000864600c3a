/** The object that says whose store this is. It is not a key of our own grammar (isOwnKey). */
export const MARKER_KEY = '.asset-cli.json';

export function isMarkerKey(key: string): boolean {
  return key === MARKER_KEY || key.endsWith(`/${MARKER_KEY}`);
}
