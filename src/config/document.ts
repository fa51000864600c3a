import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type ExpansionRules, expandVariables } from './expand.ts';
import { firstForeignOffset } from './json-syntax.ts';
import { tooDeepOffset } from './nesting.ts';
import { type ConfigProblem, keyName } from './problems.ts';

export type ConfigPath = readonly PropertyKey[];

/** Where a value stands in the file, and how it is written there, before variables were put in. */
export interface Place {
  keyOffset: number;
  offset: number;
  /** Nothing stands there: `backends:` above lines that are commented out. */
  empty: boolean;
  /** Of a scalar alone. */
  written?: string;
}

/** A parsed file: plain values with `${…}` expanded. `problems` is empty, or the values are not to be used. */
export interface ConfigDocument {
  values: Record<string, unknown>;
  place(path: ConfigPath): Place | undefined;
  problems: ConfigProblem[];
}

/** Reads YAML 1.2 or JSON. JSON is YAML too: one parser knows the place of everything in both. */
export function parseConfig(text: string, format: 'yaml' | 'json', rules: ExpansionRules): ConfigDocument {
  const walk = new DocumentWalk(rules);
  if (text.trim() === '') return walk.finish({});
  const deep = tooDeepOffset(text);
  if (deep !== undefined) {
    walk.problems.push({
      offset: deep,
      message: 'the file is nested too deeply',
      hint: 'No key is deeper than three levels.',
    });
    return walk.finish({});
  }
  const document = parseDocument(text, PARSE_OPTIONS);
  for (const error of [...document.errors, ...document.warnings]) walk.problems.push(syntaxProblem(error));
  if (format === 'json' && walk.problems.length === 0) walk.problems.push(...jsonProblems(text));
  if (walk.problems.length > 0) return walk.finish({});
  return walk.finish(walk.root(document.contents));
}

const PARSE_OPTIONS = {
  version: '1.2',
  schema: 'core',
  resolveKnownTags: false,
  stringKeys: true,
  // its own messages quote the file, which may hold secrets; its check for equal keys takes quadratic time
  prettyErrors: false,
  uniqueKeys: false,
  // 'silent' would let a second document pass
  logLevel: 'error',
} as const;

class DocumentWalk {
  readonly problems: ConfigProblem[] = [];
  readonly #places = new Map<string, Place>();
  readonly #rules: ExpansionRules;

  constructor(rules: ExpansionRules) {
    this.#rules = rules;
  }

  finish(values: Record<string, unknown>): ConfigDocument {
    return { values, place: (path) => this.#places.get(placeKey(path)), problems: this.problems };
  }

  root(contents: unknown): Record<string, unknown> {
    if (contents === null || (isScalar(contents) && contents.value === null)) return {};
    if (isMap(contents)) return this.#map(contents, []);
    const hint = 'Write one "key: value" a line, for example "database: sqlite:./assets.db".';
    this.problems.push({ offset: offsetOf(contents), message: 'the file is not a mapping of keys to values', hint });
    return {};
  }

  #value(node: unknown, path: ConfigPath): unknown {
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return this.#list(node, path);
    if (isScalar(node)) return this.#scalar(node, path);
    if (isAlias(node)) return this.#refuse(node, path, 'is an alias', 'Write the value out: aliases are not followed.');
    return undefined;
  }

  /** A key without a value counts as absent. */
  #map(map: YAMLMap, path: ConfigPath): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined || name === '__proto__') {
        this.#refuse(key, path, 'has a key that is not a plain word', 'Choose another key.');
        continue;
      }
      const inner = [...path, name];
      const keyOffset = offsetOf(key);
      if (Object.hasOwn(values, name)) {
        const hint = 'Keep one of the two.';
        this.problems.push({
          offset: keyOffset,
          key: keyName(inner),
          message: `${keyName(inner)} is there twice`,
          hint,
        });
        continue;
      }
      const empty = isEmpty(value);
      this.#places.set(placeKey(inner), { keyOffset, empty, offset: empty ? keyOffset : offsetOf(value) });
      values[name] = this.#value(value, inner);
    }
    return values;
  }

  #list(list: YAMLSeq, path: ConfigPath): unknown[] {
    return list.items.map((item, index) => {
      const inner = [...path, index];
      this.#places.set(placeKey(inner), { keyOffset: offsetOf(item), empty: isEmpty(item), offset: offsetOf(item) });
      return this.#value(item, inner);
    });
  }

  #scalar(scalar: Scalar, path: ConfigPath): unknown {
    if (scalar.value === null) return undefined;
    const place = this.#places.get(placeKey(path));
    const text = typeof scalar.value === 'string' ? scalar.value : undefined;
    if (place !== undefined) place.written = text ?? scalar.source ?? String(scalar.value);
    if (text === undefined) return scalar.value;
    const expansion = expandVariables(text, this.#rules);
    return 'text' in expansion ? expansion.text : this.#refuse(scalar, path, expansion.problem, expansion.hint);
  }

  #refuse(node: unknown, path: ConfigPath, what: string, hint?: string): undefined {
    const key = keyName(path);
    const message = key === '' ? `the file ${what}` : `${key} ${what}`;
    this.problems.push({ offset: offsetOf(node), key, message, hint });
  }
}

/** Unlike the name for people, the same for one path only: keys may hold dots. */
function placeKey(path: ConfigPath): string {
  return JSON.stringify(path);
}

function isEmpty(value: unknown): boolean {
  return value === null || (isScalar(value) && value.value === null);
}

function offsetOf(node: unknown): number {
  const ranged = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
  return ranged ? (node.range?.[0] ?? 0) : 0;
}

const SYNTAX: Readonly<Record<string, { message: string; hint: string }>> = {
  TAB_AS_INDENT: { message: 'a tab indents this line', hint: 'Indent with spaces.' },
  BAD_INDENT: {
    message: 'the indentation does not fit',
    hint: 'Indent the keys of one level alike, deeper than their parent.',
  },
  MISSING_CHAR: {
    message: 'a bracket, quotation mark, comma, colon or space is missing',
    hint: 'Look at the place named, and just before it.',
  },
  MULTIPLE_DOCS: {
    message: 'a second document begins here',
    hint: 'Keep one document in the file: remove the line "---".',
  },
  BAD_ALIAS: {
    message: 'an alias stands here',
    hint: 'Write the value out: aliases are not followed. Quote a text that begins with *.',
  },
  TAG_RESOLVE_FAILED: {
    message: 'an unknown tag stands here',
    hint: 'Remove the tag. Quote a text that begins with !.',
  },
  NON_STRING_KEY: { message: 'a key is not a plain word', hint: 'Write "key: value".' },
};

/** In words of our own: the parser's messages quote what they stumble over. */
function syntaxProblem(error: YAMLError): ConfigProblem {
  const known = SYNTAX[error.code] ?? {
    message: `the syntax is not valid (${error.code.toLowerCase().replaceAll('_', ' ')})`,
    hint: 'Look at the place named, and just before it: quotes, brackets, colons and indentation.',
  };
  return { offset: error.pos[0], ...known };
}

/** Whatever of YAML is not JSON, in a file that says that it is JSON. */
function jsonProblems(text: string): ConfigProblem[] {
  const offset = firstForeignOffset(text);
  const hint = 'JSON has no comments, single quotes, bare words or trailing commas; a .yaml file may have them.';
  if (offset !== undefined) return [{ offset, message: 'this is not JSON', hint }];
  return isJson(text) ? [] : [{ message: 'the file is not JSON', hint }];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
