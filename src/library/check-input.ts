import { ASSET_STATUSES, SCAN_STATUSES } from '../core/asset.ts';
import { AssetError } from '../core/errors.ts';
import { ROLES } from '../core/identity.ts';
import { suggest } from '../core/nearest.ts';

/** What a value must be, in words and as a test: programs without types come here too. */
interface Rule {
  what: string;
  accepts: (value: unknown) => boolean;
  isRequired?: true;
}
type Rules = Readonly<Record<string, Rule>>;

const text: Rule = { what: 'text', accepts: (value) => typeof value === 'string' };
const textOrNull: Rule = { what: 'text or null', accepts: (value) => value === null || typeof value === 'string' };
const flag: Rule = { what: 'true or false', accepts: (value) => typeof value === 'boolean' };
const seconds: Rule = {
  what: 'a number of seconds above 0',
  accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
};
const tags: Rule = {
  what: 'an object of text',
  accepts: (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'string'),
};
const content: Rule = {
  what: 'text, bytes or a stream of them',
  accepts: (value) =>
    typeof value === 'string' || value instanceof Uint8Array || (isObject(value) && Symbol.asyncIterator in value),
};
const stream: Rule = {
  what: 'a writable stream',
  accepts: (value) => isObject(value) && typeof value['write'] === 'function',
};

function wholeFrom(least: number): Rule {
  const accepts = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= least;
  return { what: `a whole number of at least ${least}`, accepts };
}

function oneOf(...values: string[]): Rule {
  return { what: `one of ${values.join(', ')}`, accepts: (value) => values.some((each) => each === value) };
}

function required(rule: Rule): Rule {
  return { ...rule, isRequired: true };
}

const OPEN_OPTIONS: Rules = {
  config: text,
  database: text,
  backend: text,
  user: textOrNull,
  organization: text,
  role: oneOf(...ROLES),
  directory: text,
  environment: { what: 'an object of text', accepts: isObject },
  signal: { what: 'an AbortSignal', accepts: (value) => value instanceof AbortSignal },
  onWarning: { what: 'a function', accepts: (value) => typeof value === 'function' },
};
const UPLOAD_OPTIONS: Rules = {
  assetType: text,
  projectId: textOrNull,
  scanResultId: textOrNull,
  isPublic: flag,
  tags,
  skipExisting: flag,
  optimize: flag,
  compress: flag,
};
const GENERATED: Rules = {
  assetType: required(text),
  content: required(content),
  projectId: textOrNull,
  scanResultId: textOrNull,
  filename: text,
};
const SORT: Rules = { field: required(oneOf('created', 'name', 'size', 'expires')), descending: required(flag) };
const LIST_OPTIONS: Rules = {
  allOrganizations: flag,
  sort: { what: 'an object with "field" and "descending"', accepts: isObject },
  limit: wholeFrom(1),
  assetType: text,
  projectId: text,
  userId: text,
  backend: text,
  status: oneOf(...ASSET_STATUSES, 'any'),
  scanStatus: oneOf(...SCAN_STATUSES),
  nameGlob: text,
  tags,
  isPublic: flag,
  expired: oneOf('exclude', 'only', 'include'),
  expiresBefore: text,
  createdAfter: text,
  createdBefore: text,
  minSize: wholeFrom(0),
  maxSize: wholeFrom(0),
};

/**
 * A misspelt option would open another catalog than was meant.
 * @throws AssetError USAGE, here and below
 */
export function checkOpen(options: unknown): void {
  checkObject(options, 'openAssets', OPEN_OPTIONS);
}

export function checkGenerated(value: unknown): void {
  checkObject(value, 'saveGeneratedAsset', GENERATED);
}

export function checkUpload(source: unknown, options: unknown): void {
  const given = ['path', 'content'].filter((key) => isObject(source) && source[key] !== undefined);
  if (given.length !== 1) {
    throw new AssetError('USAGE', 'upload takes either { path } or { content, filename }', {
      hint: given.length === 0 ? 'It was given neither.' : 'It was given both: leave out one.',
    });
  }
  const rules: Rules = given[0] === 'path' ? { path: text, filename: text } : { content, filename: required(text) };
  checkObject(source, 'upload', { ...rules, path: text, content });
  checkObject(options, 'upload', UPLOAD_OPTIONS);
}

export function checkDownload(id: unknown, to: unknown): void {
  checkId(id, 'download');
  if (to === undefined) return;
  checkObject(to, 'download', { path: text, overwrite: flag, stream });
  const given = ['path', 'stream'].filter((key) => isObject(to) && to[key] !== undefined);
  if (given.length === 1) return;
  throw new AssetError('USAGE', 'download writes either to { path } or to { stream }', {
    hint: 'Give one of them, or nothing to get the content itself.',
  });
}

export function checkList(options: unknown): void {
  checkObject(options, 'list', LIST_OPTIONS);
  const sort = isObject(options) ? options['sort'] : undefined;
  if (sort !== undefined) checkObject(sort, 'the sort of list', SORT);
}

export function checkSign(id: unknown, options: unknown): void {
  checkId(id, 'sign');
  checkObject(options, 'sign', { expiresIn: seconds, downloadAs: text, inline: flag, noCdn: flag });
}

export function checkId(id: unknown, method: string): void {
  if (typeof id === 'string') return;
  throw new AssetError('USAGE', `${method} needs the id of an asset, as text`, {
    hint: 'Give a whole id, or its first 8 or more characters.',
  });
}

function checkObject(value: unknown, method: string, rules: Rules): void {
  if (!isObject(value)) {
    throw new AssetError('USAGE', `${method} takes an object here`, {
      hint: `It may hold ${Object.keys(rules).join(', ')}.`,
    });
  }
  for (const [key, each] of Object.entries(value)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) {
      throw new AssetError('USAGE', `${method} knows no "${key}"`, {
        hint: suggest(key, Object.keys(rules)),
      });
    }
    if (each === undefined || rule.accepts(each)) continue;
    throw new AssetError('USAGE', `${method}: "${key}" must be ${rule.what}`, { hint: 'See docs/library.md.' });
  }
  const missing = Object.entries(rules).find(([key, rule]) => rule.isRequired === true && value[key] === undefined);
  if (missing === undefined) return;
  const [key, rule] = missing;
  throw new AssetError('USAGE', `${method} needs "${key}"`, { hint: `It is ${rule.what}.` });
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
