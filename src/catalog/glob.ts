/** One element of a glob over names: `*`, `?`, a set `[a-z]` or `[!a-z]` (also `[^a-z]`), or text as it is. */
export type GlobToken = { kind: 'any' } | { kind: 'one' } | SetToken | { kind: 'text'; text: string };

/** Characters of which one is matched, or is not; a range that is upside down holds none, and is left out. */
interface SetToken {
  kind: 'set';
  negated: boolean;
  members: readonly SetMember[];
}

interface SetMember {
  from: string;
  to: string;
}

/** Reads a glob; what has no closing bracket is text. Every string is a valid glob. */
export function parseGlob(glob: string): GlobToken[] {
  const characters = [...glob];
  const tokens: GlobToken[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') tokens.push({ kind: 'text', text });
    text = '';
  };
  let index = 0;
  while (index < characters.length) {
    const character = characters[index] ?? '';
    const set = character === '[' ? parseSet(characters, index) : undefined;
    if (set !== undefined) {
      flush();
      tokens.push(set.token);
      index = set.next;
      continue;
    }
    index += 1;
    if (character === '*') {
      flush();
      if (tokens.at(-1)?.kind !== 'any') tokens.push({ kind: 'any' });
    } else if (character === '?') {
      flush();
      tokens.push({ kind: 'one' });
    } else {
      text += character;
    }
  }
  flush();
  return tokens;
}

function parseSet(characters: readonly string[], open: number): { token: GlobToken; next: number } | undefined {
  const negated = characters[open + 1] === '!' || characters[open + 1] === '^';
  const first = open + (negated ? 2 : 1);
  // A bracket in the first place is a member, as in a shell.
  const close = characters.indexOf(']', first + 1);
  if (close === -1) return undefined;
  const members: SetMember[] = [];
  let index = first;
  while (index < close) {
    const from = characters[index] ?? '';
    const isRange = characters[index + 1] === '-' && index + 2 < close;
    const to = isRange ? (characters[index + 2] ?? from) : from;
    if (codePoint(from) <= codePoint(to)) members.push({ from, to });
    index += isRange ? 3 : 1;
  }
  return { token: { kind: 'set', negated, members }, next: close + 1 };
}

/** The text that every match begins with; empty where the glob begins with a wildcard. */
export function literalPrefix(tokens: readonly GlobToken[]): string {
  const first = tokens[0];
  return first?.kind === 'text' ? first.text : '';
}

/** Whether what matches is just what begins so: `report-*`, and `*`. */
export function isPrefix(tokens: readonly GlobToken[]): boolean {
  const last = tokens.at(-1);
  return last?.kind === 'any' && tokens.slice(0, -1).every((token) => token.kind === 'text');
}

/** The first text, by bytes, that is greater than every text with this prefix; undefined if there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const characters = [...prefix];
  while (characters.length > 0) {
    const last = codePoint(characters.pop() ?? '');
    // The code points of surrogates cannot be stored as text.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    if (next <= 0x10ffff) return characters.join('') + String.fromCodePoint(next);
  }
  return undefined;
}

/** Matches no character. */
const EVERYTHING_NEGATED = '[^\u0001-\u{10FFFF}]';

/** The glob as SQLite's GLOB reads it. */
export function toSqliteGlob(tokens: readonly GlobToken[]): string {
  return tokens.map(sqliteToken).join('');
}

function sqliteToken(token: GlobToken): string {
  if (token.kind === 'any') return '*';
  if (token.kind === 'one') return '?';
  if (token.kind === 'text') return token.text.replace(/[*?[]/g, '[$&]');
  if (token.members.length === 0) return token.negated ? '?' : EVERYTHING_NEGATED;
  return token.negated ? `[^${sqliteMembers(token)}]` : sqliteSet(token);
}

function sqliteSet(token: SetToken): string {
  const members = sqliteMembers(token);
  // What would begin with a caret holds nothing else, and would be taken for a negation.
  return members.startsWith('^') ? '^' : `[${members}]`;
}

/**
 * Every member as a range, since GLOB takes a dash for a range's wherever one character alone is before it. A closing
 * bracket is read as a member in the first place only, and never as a range's beginning; a caret is put last.
 */
function sqliteMembers({ members }: SetToken): string {
  const ranges = members.flatMap(splitSpecial);
  const holds = (character: string) => ranges.some(({ from }) => from === character);
  const plain = ranges.filter(({ from }) => from !== ']' && from !== '^').map(({ from, to }) => `${from}-${to}`);
  return `${holds(']') ? ']' : ''}${plain.join('')}${holds('^') ? '^-^' : ''}`;
}

/** A range that begins with a closing bracket or a caret, as these and the rest. */
function splitSpecial(member: SetMember): SetMember[] {
  const { from, to } = member;
  if (from === to || (from !== ']' && from !== '^')) return [member];
  const next = String.fromCodePoint(codePoint(from) + 1);
  return [{ from, to: from }, ...splitSpecial({ from: next, to })];
}

/** The glob as a regular expression of PostgreSQL, anchored at both ends. */
export function toPostgresPattern(tokens: readonly GlobToken[]): string {
  return `^(?:${tokens.map(postgresToken).join('')})$`;
}

function postgresToken(token: GlobToken): string {
  if (token.kind === 'any') return '.*';
  if (token.kind === 'one') return '.';
  if (token.kind === 'text') return [...token.text].map(escapeForPostgres).join('');
  if (token.members.length === 0) return token.negated ? '.' : '(?!)';
  const members = token.members.map(({ from, to }) =>
    from === to ? escapeForPostgres(from) : `${escapeForPostgres(from)}-${escapeForPostgres(to)}`,
  );
  return `[${token.negated ? '^' : ''}${members.join('')}]`;
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function escapeForPostgres(character: string): string {
  return /[A-Za-z0-9_\s]/.test(character) || character > '\u007f' ? character : `\\${character}`;
}
