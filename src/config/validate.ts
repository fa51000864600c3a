import * as z from 'zod/mini';
import { nearest, suggest } from '../core/nearest.ts';
import type { ConfigDocument, ConfigPath, Place } from './document.ts';
import { type ConfigProblem, keyName, quote } from './problems.ts';
import { SHORT_PROVIDERS } from './providers.ts';
import { type FileConfig, fileSchema } from './schema/file.ts';
import type { Refusal } from './schema/kinds.ts';

type Issue = z.core.$ZodIssue;
type Told = Pick<ConfigProblem, 'message' | 'hint' | 'nearest'>;

/** Checks the values of a file against the schema; every problem is told with its place. */
export function validateConfig(document: ConfigDocument): { config: FileConfig } | { problems: ConfigProblem[] } {
  const result = z.safeParse(fileSchema, document.values);
  if (result.success) return { config: result.data };
  return { problems: result.error.issues.flatMap((issue) => problemsOf(issue, document)) };
}

function problemsOf(issue: Issue, document: ConfigDocument): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key, document));
  const key = keyName(issue.path);
  const place = document.place(issue.path);
  if (issue.code === 'invalid_key') return [invalidName(issue.path, place)];
  if (place !== undefined && !place.empty) return [{ offset: place.offset, key, ...wrongValue(issue, key, place) }];
  const offset = (place ?? document.place(issue.path.slice(0, -1)))?.keyOffset;
  return [{ offset, key, message: `${key} is missing`, hint: howToComplete(issue, key) }];
}

const ASSET_TYPE_NAME = 'Use an asset type, as in EXPORT_FILE.';
const BACKEND_NAME = 'Use 1 to 64 of the characters A-Z a-z 0-9 . _ - and begin with a letter or a digit.';

function invalidName(path: ConfigPath, place: Place | undefined): ConfigProblem {
  const hint = path[0] === 'retention' ? ASSET_TYPE_NAME : BACKEND_NAME;
  const message = `${quote(String(path.at(-1)))} is not a valid name in ${keyName(path.slice(0, -1))}`;
  return { offset: place?.keyOffset, key: keyName(path), message, hint };
}

function howToComplete(issue: Issue, key: string): string {
  const choices = choicesOf(issue);
  return choices === undefined ? `Give ${key} a value.` : `Give ${key} one of these: ${choices.join(', ')}.`;
}

function unknownKey(parent: ConfigPath, key: string, document: ConfigDocument): ConfigProblem {
  const path = [...parent, key];
  const valid = keysAt(fileSchema, parent, document.values).filter((each) => each !== '$schema');
  const where = parent.length === 0 ? '' : ` in ${keyName(parent)}`;
  return {
    offset: document.place(path)?.keyOffset,
    key: keyName(path),
    message: `unknown key ${quote(key)}${where}`,
    hint: suggest(key, valid),
    nearest: nearest(key, valid),
  };
}

/** The value is told as it is written in the file: what a variable held never gets into a message. */
function wrongValue(issue: Issue, key: string, place: Place): Told {
  const written = place.written ?? '';
  if (issue.code === 'custom') {
    const refusal: Refusal = issue.params?.['refusal'];
    return { message: `${key} ${refusal.secret ? '' : `${quote(written)} `}${refusal.problem}`, hint: refusal.hint };
  }
  if (issue.code === 'too_small') return { message: `${key} is empty`, hint: 'List one at least, or remove the key.' };
  const choices = choicesOf(issue);
  if (choices === undefined) return wrongType(issue, key);
  const word = SHORT_PROVIDERS.get(written) ?? written;
  return {
    message: `${key} ${quote(written)} is unknown`,
    hint: suggest(word, choices),
    nearest: nearest(word, choices),
  };
}

function choicesOf(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  const options = issue.code === 'invalid_union' && 'options' in issue ? issue.options : undefined;
  return options?.map(String);
}

const TYPES: Readonly<Record<string, [what: string, hint: string]>> = {
  string: ['text', 'Put it in quotes if it is meant as text; a duration has a unit, as in 10s.'],
  array: ['a list', 'Write [first, second], or one "- item" a line.'],
  object: ['a mapping of keys', 'Write its keys below it, indented, or { key: value }.'],
  record: ['a mapping of names', 'Write its names below it, indented, or { name: value }.'],
};

function wrongType(issue: Issue, key: string): Told {
  const expected = issue.code === 'invalid_type' ? issue.expected : 'string';
  const [what, hint] = TYPES[expected] ?? ['of another type', 'Look the key up in the documentation.'];
  return { message: `${key} must be ${what}`, hint };
}

/** The keys that the schema has at a path; of a union, those of the branch that the values chose. */
function keysAt(schema: z.core.$ZodType, path: ConfigPath, values: unknown): string[] {
  if (schema instanceof z.ZodMiniOptional) return keysAt(schema.def.innerType, path, values);
  if (schema instanceof z.ZodMiniDiscriminatedUnion) return keysAt(chosenBranch(schema, values), path, values);
  const [step, ...rest] = path;
  if (schema instanceof z.ZodMiniRecord) return keysAt(schema.def.valueType, rest, inner(values, step));
  if (!(schema instanceof z.ZodMiniObject)) return [];
  if (step === undefined) return Object.keys(schema.shape);
  const next: z.core.$ZodType | undefined = schema.shape[String(step)];
  return next === undefined ? [] : keysAt(next, rest, inner(values, step));
}

function chosenBranch(union: z.ZodMiniDiscriminatedUnion, values: unknown): z.core.$ZodType {
  const { options, discriminator } = union._zod.def;
  const chosen = inner(values, discriminator);
  const branch = options.find((option) => {
    const literal = option instanceof z.ZodMiniObject ? option.shape[discriminator] : undefined;
    return literal !== undefined && z.safeParse(literal, chosen).success;
  });
  return branch ?? z.never();
}

function inner(values: unknown, step: PropertyKey | undefined): unknown {
  const holds = typeof values === 'object' && values !== null && step !== undefined && Object.hasOwn(values, step);
  return holds ? Reflect.get(values, step) : undefined;
}
