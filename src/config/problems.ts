import { AssetError } from '../core/errors.ts';

/** One thing that is wrong with a configuration file. Never holds a value that came from the environment, or a secret. */
export interface ConfigProblem {
  /** Of the key or value, from the start of the file, in UTF-16 units; undefined if the file as a whole is meant. */
  offset?: number | undefined;
  message: string;
  hint?: string | undefined;
  /** `backends.reports.bucket`. */
  key?: string | undefined;
  /** The valid key or value that comes nearest to what was written. */
  nearest?: string | undefined;
}

interface Position {
  line: number;
  column: number;
}

const MOST_TOLD = 20;

/** The error about a file: the first problem in its message, the first 20 in its details. */
export function configError(file: string, text: string, problems: readonly ConfigProblem[]): AssetError {
  const ordered = [...problems].sort((left, right) => (left.offset ?? 0) - (right.offset ?? 0));
  const [first] = ordered;
  const position = first?.offset === undefined ? undefined : positionOf(text, first.offset);
  const where = position === undefined ? file : `${file}:${position.line}:${position.column}`;
  const others = ordered.length - 1;
  const more = others < 1 ? '' : ` (and ${others} more ${others === 1 ? 'problem' : 'problems'})`;
  const told = ordered.slice(0, MOST_TOLD).map((problem) => describe(text, problem));
  return new AssetError('CONFIG_INVALID', `${where}: ${first?.message ?? 'is not valid'}${more}`, {
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    details: { file, ...position, problems: told },
  });
}

function describe(text: string, { offset, ...problem }: ConfigProblem): Record<string, unknown> {
  return { ...(offset === undefined ? {} : positionOf(text, offset)), ...problem };
}

/** Both count from 1; columns in UTF-16 units, as editors do. */
function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** `backends.reports.path`, `assetTypes[2]`. */
export function keyName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    return name === '' ? String(part) : `${name}.${String(part)}`;
  }, '');
}

const LONGEST_QUOTE = 60;

/** Text of the file in a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}
