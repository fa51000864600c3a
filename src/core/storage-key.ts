import { AssetError } from './errors.ts';

/**
 * Where an object lies inside its backend: segments joined by `/`, relative to the backend's
 * root or prefix. Made by the functions here only, so that no key can leave the root.
 */
export type StorageKey = string & { readonly __brand: 'StorageKey' };

export interface AssetKeyParts {
  organization: string;
  assetType: string;
  /** Whose UTC date becomes part of the path. */
  createdAt: Date;
  uuid: string;
  /** With its dot, or empty. */
  extension: string;
  isPublic: boolean;
}

/** `<organization>/<type in lower case>/<yyyy>/<mm>/<dd>/<uuid><extension>`, behind `public/` for a public asset. */
export function assetKey(parts: AssetKeyParts): StorageKey {
  const [date = ''] = parts.createdAt.toISOString().split('T');
  const path = [
    parts.organization,
    parts.assetType.toLowerCase(),
    ...date.split('-'),
    `${parts.uuid}${parts.extension}`,
  ];
  if (parts.isPublic) path.unshift('public');
  return parseStorageKey(path.join('/'));
}

// The key limits of S3 and GCS are 1024 bytes; LOCAL and Azure allow segments of 255 and 254 bytes.
const LONGEST_KEY = 1024;
const LONGEST_SEGMENT = 254;

/**
 * Accepts any key that every backend can hold. Hostile input ends here: empty, `.` and `..`
 * segments, control characters, backslashes, a trailing dot (Azure drops it).
 * @throws AssetError USAGE
 */
export function parseStorageKey(text: string): StorageKey {
  const problem = keyProblem(text);
  if (problem !== undefined) {
    throw new AssetError('USAGE', `${JSON.stringify(text)} is not a storage key: ${problem}`);
  }
  return text as StorageKey;
}

/** What nearly every key is made of, told at once: a listing parses a million. */
const PLAIN_KEY = /^[\w@+-]+(?:[./][\w@+-]+)*$/;

function keyProblem(text: string): string | undefined {
  if (text.length <= LONGEST_SEGMENT && PLAIN_KEY.test(text)) return undefined;
  if (text === '') return 'it is empty';
  if (Buffer.byteLength(text) > LONGEST_KEY) return `it is longer than ${LONGEST_KEY} bytes`;
  if (!text.isWellFormed()) return 'it is not valid Unicode';
  if (/[\p{Cc}\\]/u.test(text)) return 'it has a control character or a backslash';
  for (const segment of text.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return 'it has a dot segment';
    if (segment.endsWith('.')) return 'a segment ends with a dot';
    if (Buffer.byteLength(segment) > LONGEST_SEGMENT) return `a segment is longer than ${LONGEST_SEGMENT} bytes`;
  }
  return undefined;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const OWN_KEY = new RegExp(
  `^(?:(?:public|quarantine|lost\\+found)/)?[A-Za-z0-9][A-Za-z0-9._@-]{0,63}/[a-z][a-z0-9_]{0,63}/\\d{4}/\\d{2}/\\d{2}/${UUID}(?:\\.[a-z0-9]{1,10})?$`,
);

/** Whether a key follows the grammar of assetKey: nothing else in a store is ever taken for ours. */
export function isOwnKey(text: string): boolean {
  return OWN_KEY.test(text);
}

const PLACES = ['public', 'quarantine', 'lost+found'] as const;
/** Where an object lies apart from the private ones; 'private' is behind no prefix. */
export type KeyPlace = (typeof PLACES)[number] | 'private';

/**
 * The key of the same object in another place. With a `uuid` it is a fresh key: one that was used before in a
 * backend is never used again.
 */
export function keyInPlace(key: StorageKey, place: KeyPlace, uuid?: string): StorageKey {
  const segments = key.split('/');
  if (PLACES.some((each) => each === segments[0])) segments.shift();
  const name = segments.pop() ?? '';
  const extension = name.includes('.') ? name.slice(name.indexOf('.')) : '';
  segments.push(uuid === undefined ? name : `${uuid}${extension}`);
  if (place !== 'private') segments.unshift(place);
  return parseStorageKey(segments.join('/'));
}

/** Whether it is the address of a public asset. */
export function isPublicKey(key: string): boolean {
  return key.startsWith('public/');
}

/** Whether it is that of bytes in quarantine. */
export function isQuarantineKey(key: string): boolean {
  return key.startsWith('quarantine/');
}

/** Whose key of our own grammar it is. */
export function keyOrganization(key: string): string {
  const segments = key.split('/');
  return segments[organizationAt(segments)] ?? '';
}

/** The same key as another organisation would have it. */
export function keyOfOrganization(key: string, organization: string): string {
  const segments = key.split('/');
  segments[organizationAt(segments)] = organization;
  return segments.join('/');
}

function organizationAt([first]: readonly string[]): number {
  return PLACES.some((each) => each === first) ? 1 : 0;
}

/** The stored name of an asset: the last segment of its key. */
export function keyFilename(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
