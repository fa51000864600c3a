import * as z from 'zod/mini';
import { ASSET_TYPE_PATTERN } from '../../core/asset.ts';
import { readAzureConnection } from '../../core/azure-connection.ts';
import { parseDuration } from '../../core/duration.ts';
import { AssetError } from '../../core/errors.ts';
import { checkId, type IdKind } from '../../core/identity.ts';
import { SHORTEST_SIGNING_KEY } from '../../core/signed-path.ts';
import { parseSize } from '../../core/size.ts';
import { parseStorageKey } from '../../core/storage-key.ts';
import { CDN_DOMAIN_FORM, isCdnDomain } from '../cdn.ts';
import { checkDatabaseUrl } from '../database-url.ts';
import { ENDPOINT_FORM, isEndpoint } from '../endpoint.ts';

/** What is said of a refused value, beside its place and (unless it is secret) how it is written in the file. */
export interface Refusal {
  /** Follows the key: `is not a duration`. */
  problem: string;
  hint: string;
  secret: boolean;
}

/** A key that may be left out, with its default as a person would write it. */
export function key<T extends z.ZodMiniType>(schema: T, description: string, fallback?: unknown) {
  // not `default`: the generator of the JSON Schema drops that where a value is read by a function
  const meta = fallback === undefined ? { description } : { description, fallback };
  return z.optional(schema).check(z.meta(meta));
}

/** A key that has to be there. */
export function requiredKey<T extends z.ZodMiniType>(schema: T, description: string): T {
  return schema.check(z.meta({ description }));
}

interface Kind<Input, Output> {
  input: z.ZodMiniType<Input, Input>;
  problem: string;
  hint: string;
  /** Returns undefined, or throws an AssetError, for what it refuses. A hint of that error goes before the one here. */
  read: (value: Input) => Output | undefined;
  secret?: boolean;
}

/** A value that a function of ours reads. Messages never come from there: they would repeat what a variable held. */
function kind<Input, Output>({ input, problem, hint, read, secret = false }: Kind<Input, Output>) {
  return z.pipe(
    input,
    z.transform((value: Input, payload): Output => {
      const { output, better } = attempt(read, value);
      if (output !== undefined) return output;
      const refusal: Refusal = { problem, hint: better ?? hint, secret };
      payload.issues.push({ code: 'custom', input: value, params: { refusal } });
      return z.NEVER;
    }),
  );
}

function attempt<Input, Output>(
  read: (value: Input) => Output | undefined,
  value: Input,
): { output?: Output | undefined; better?: string | undefined } {
  try {
    return { output: read(value) };
  } catch (error) {
    if (error instanceof AssetError) return { better: error.hint };
    throw error;
  }
}

/** Text of which editors know the form. What a variable gives is known only later. */
function formed(title: string, pattern: string) {
  return z.string().register(z.globalRegistry, { title, pattern: `^(?:${pattern})$|\\$\\{` });
}

function titled(title: string) {
  return z.string().register(z.globalRegistry, { title });
}

interface TextRule {
  /** What it is, for documentation and editors. */
  title: string;
  pattern: RegExp;
  problem: string;
  hint: string;
  secret?: boolean;
}

export function text(rule: TextRule) {
  const { title, pattern, ...told } = rule;
  return kind({ ...told, input: titled(title), read: (value) => (pattern.test(value) ? value : undefined) });
}

/** Any text without control characters. */
export function words() {
  return text({
    title: 'text',
    pattern: /^\P{Cc}+$/u,
    problem: 'is empty or has a control character',
    hint: 'Write it in one line.',
  });
}

/** A path as it is written: what it counts from is known to the reader of the file alone. */
export function path() {
  return text({
    title: 'path',
    pattern: /^\P{Cc}+$/u,
    problem: 'is not a path',
    hint: 'Relative paths count from this file.',
  });
}

export function databaseUrl() {
  return kind({
    input: formed('database url', '(?:sqlite:|postgres(?:ql)?://).+'),
    problem: 'is not a database url',
    hint: 'Write sqlite:<path> or postgres://<user>@<host>/<database>.',
    read: checkDatabaseUrl,
    secret: true,
  });
}

export function endpoint() {
  return kind({
    input: formed('url', 'https?://.+'),
    problem: 'is not an endpoint',
    hint: ENDPOINT_FORM,
    read: (value) => (isEndpoint(value) ? value : undefined),
    secret: true,
  });
}

/** Account, keys and endpoint of Azure Storage in one. */
export function azureConnection() {
  return kind({
    input: titled('connection string'),
    problem: 'is not a connection string',
    hint: `Take it from the environment: connectionString: "\${ASSET_CLI_AZURE_CONNECTION}"`,
    read: (value) => {
      readAzureConnection(value);
      return /\p{Cc}/u.test(value) ? undefined : value;
    },
    secret: true,
  });
}

/** One secret, or several: nobody should be able to guess them. */
export function signingKeys() {
  return kind({
    input: z
      .union([z.string(), z.array(z.string()).check(z.minLength(1))])
      .register(z.globalRegistry, { title: 'text, or a list of texts' }),
    problem: `is shorter than ${SHORTEST_SIGNING_KEY} characters`,
    hint: 'Make one with: openssl rand -base64 48',
    read: (value) => {
      const secrets = typeof value === 'string' ? [value] : value;
      return secrets.every((secret) => secret.length >= SHORTEST_SIGNING_KEY) ? secrets : undefined;
    },
    secret: true,
  });
}

/** What a browser says that a script comes from: scheme, host and port. */
export function origin() {
  return kind({
    input: formed('origin', 'https?://[^/\\s]+'),
    problem: 'is not an origin',
    hint: 'Write scheme, host and port alone: https://app.example.com',
    read: (value) => (URL.canParse(value) && new URL(value).origin === value ? value : undefined),
  });
}

export function id(of: IdKind) {
  return kind({
    input: formed('id', '[A-Za-z0-9][A-Za-z0-9._@\\-]{0,63}'),
    problem: `is not a valid ${of} id`,
    hint: 'Use 1 to 64 of the characters A-Z a-z 0-9 . _ @ - and begin with a letter or a digit.',
    read: (value) => checkId(of, value),
  });
}

export function userId() {
  return kind({
    input: formed('id', '-|[A-Za-z0-9][A-Za-z0-9._@\\-]{0,63}'),
    problem: 'is not a valid user id',
    hint: 'Write "-" for nobody.',
    read: (value) => (value === '-' ? value : checkId('user', value)),
  });
}

/** Milliseconds, within bounds that are written as durations. */
export function duration(least: string, most: string) {
  return kind({
    input: formed('duration', '\\d{1,9}[smhdw]'),
    problem: `is not a duration from ${least} to ${most}`,
    hint: 'Write a whole number and a unit: 90s, 15m, 36h, 30d or 12w.',
    read: (value) => {
      const milliseconds = parseDuration(value);
      return milliseconds >= parseDuration(least) && milliseconds <= parseDuration(most) ? milliseconds : undefined;
    },
  });
}

/** Bytes; at least one. */
export function size() {
  return kind({
    input: z
      .union([z.number(), formed('size', '\\d{1,15}(?:\\.\\d{1,6})?\\s*[kKmMgGtT]?[iI]?[bB]?')])
      .register(z.globalRegistry, { title: 'size' }),
    problem: 'is not a size',
    hint: 'Write bytes, or a number with KiB, MiB, GiB, KB, MB or GB: 64KiB, 50MiB, 2GB.',
    read: (value) => {
      const bytes = typeof value === 'number' ? value : parseSize(value);
      return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
    },
  });
}

/** A TCP port, also as text, because what `${…}` gives is text. */
export function port() {
  return kind({
    input: z.union([z.number(), formed('port', '\\d{1,5}')]).register(z.globalRegistry, { title: 'port' }),
    problem: 'is not a port',
    hint: 'Write a whole number from 1 to 65535.',
    read: (value) => {
      const number = Number(value);
      return Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : undefined;
    },
  });
}

function readTruth(text: string): boolean | undefined {
  return text === 'true' || (text === 'false' ? false : undefined);
}

/** true or false, also as text, because what `${…}` gives is text. */
export function truth() {
  return kind({
    input: z
      .union([z.boolean(), formed('truth value', 'true|false')])
      .register(z.globalRegistry, { title: 'true or false' }),
    problem: 'is neither true nor false',
    hint: 'Write true or false.',
    read: (value) => readTruth(String(value)),
  });
}

export function mimeType() {
  return kind({
    input: formed('MIME type', '[A-Za-z0-9][A-Za-z0-9!#$&^_.+\\-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+\\-]*'),
    problem: 'is not a MIME type',
    hint: 'Write type/subtype, as in application/pdf, without parameters and without "*".',
    read: (value) => {
      const lower = value.toLowerCase();
      return /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(lower) ? lower : undefined;
    },
  });
}

export function assetType() {
  return kind({
    input: formed('asset type', '[A-Z][A-Z0-9_]{0,63}'),
    problem: 'is not an asset type',
    hint: 'Use 1 to 64 of the characters A-Z 0-9 _ and begin with a letter.',
    read: (value) => (ASSET_TYPE_PATTERN.test(value) ? value : undefined),
  });
}

/** Where in a bucket the keys begin, without slashes at its ends. */
export function prefix() {
  return kind({
    input: titled('prefix'),
    problem: 'is not a prefix',
    hint: 'Write segments joined by "/", none of them empty, "." or "..".',
    read: (value) => parseStorageKey(value.replace(/^\/+|\/+$/g, '')),
  });
}

/** true, false or one word beside them. */
export function truthOr<Word extends string>(word: Word) {
  return kind({
    input: z
      .union([z.boolean(), formed('truth value', `true|false|${word}`)])
      .register(z.globalRegistry, { title: `true, false or ${word}` }),
    problem: `is neither true, false nor ${word}`,
    hint: `Write true, false or ${word}.`,
    read: (value): boolean | Word | undefined => (value === word ? word : readTruth(String(value))),
  });
}

export function wholeNumber(least: number, most: number) {
  return kind({
    input: z
      .union([z.number(), formed('number', '\\d{1,9}')])
      .register(z.globalRegistry, { title: `${least} to ${most}` }),
    problem: `is not a whole number from ${least} to ${most}`,
    hint: `Write a number from ${least} to ${most}.`,
    read: (value) => {
      const number = Number(value);
      return Number.isInteger(number) && number >= least && number <= most ? number : undefined;
    },
  });
}

export function cdnDomains() {
  return kind({
    input: z
      .union([z.string(), z.record(z.string(), z.string())])
      .register(z.globalRegistry, { title: 'domain, or a mapping of backends to domains' }),
    problem: 'is not a domain, nor one for each of some backends',
    hint: CDN_DOMAIN_FORM,
    read: (value) =>
      (typeof value === 'string' ? [value] : Object.values(value)).every(isCdnDomain) ? value : undefined,
  });
}
