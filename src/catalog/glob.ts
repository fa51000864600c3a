/** One element of a glob over names: `*`, `?`, a set `[a-z]` or `[!a-z]` (also `[^a-z]`), or text as it is. */
export type GlobToken =
  | { kind: 'any' }
  | { kind: 'one' }
  | { kind: 'set'; negated: boolean; members: readonly SetMember[] }
  | { kind: 'text'; text: string };

export interface SetMember {
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
    members.push({ from, to: isRange ? (characters[index + 2] ?? from) : from });
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
    const last = characters.pop()?.codePointAt(0) ?? 0;
    // The code points of surrogates cannot be stored as text.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    if (next <= 0x10ffff) return characters.join('') + String.fromCodePoint(next);
  }
  return undefined;
}

/** The glob as SQLite's GLOB reads it. */
export function toSqliteGlob(tokens: readonly GlobToken[]): string {
  return tokens.map(sqliteToken).join('');
}

function sqliteToken(token: GlobToken): string {
  if (token.kind === 'any') return '*';
  if (token.kind === 'one') return '?';
  if (token.kind === 'text') return token.text.replace(/[*?[]/g, '[$&]');
  // A closing bracket must come first, and a caret must not, unless it negates.
  const members = [...token.members].sort((a, b) => setRank(a) - setRank(b));
  const only = members[0];
  if (!token.negated && members.length === 1 && only?.from === '^' && only.to === '^') return '^';
  const body = members.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join('');
  return `[${token.negated ? '^' : ''}${body}]`;
}

function setRank(member: SetMember): number {
  if (member.from === ']') return 0;
  if (member.from === '-' && member.to === '-') return 3;
  return member.from === '^' ? 2 : 1;
}

/** The glob as a regular expression of PostgreSQL, anchored at both ends. */
export function toPostgresPattern(tokens: readonly GlobToken[]): string {
  return `^(?:${tokens.map(postgresToken).join('')})$`;
}

function postgresToken(token: GlobToken): string {
  if (token.kind === 'any') return '.*';
  if (token.kind === 'one') return '.';
  if (token.kind === 'text') return [...token.text].map(escapeForPostgres).join('');
  const members = token.members
    .filter(({ from, to }) => compareCodePoints(from, to) <= 0)
    .map(({ from, to }) =>
      from === to ? escapeForPostgres(from) : `${escapeForPostgres(from)}-${escapeForPostgres(to)}`,
    )
    .join('');
  // A set whose only range is upside down holds nothing.
  if (members === '') return token.negated ? '.' : '(?!)';
  return `[${token.negated ? '^' : ''}${members}]`;
}

function compareCodePoints(a: string, b: string): number {
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}

function escapeForPostgres(character: string): string {
  return /[A-Za-z0-9_\s]/.test(character) || character > '\u007f' ? character : `\\${character}`;
}
