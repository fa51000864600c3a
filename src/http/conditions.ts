import type { ContentRange } from '../operations/download/read-asset.ts';

/** What a request asks of content whose size and entity tag are known (RFC 9110). */
export type Wanted =
  | { kind: 'whole' }
  | { kind: 'part'; range: ContentRange }
  /** If-None-Match: the client has it. */
  | { kind: 'unchanged' }
  | { kind: 'unsatisfiable' };

export interface ConditionHeaders {
  range?: string | undefined;
  'if-range'?: string | string[] | undefined;
  'if-none-match'?: string | undefined;
}

export function judgeConditions(headers: ConditionHeaders, { etag, size }: { etag: string; size: number }): Wanted {
  const known = headers['if-none-match'];
  if (known !== undefined && matchesAny(known, etag)) return { kind: 'unchanged' };
  const condition = headers['if-range'];
  // A date is never proof of equal bytes.
  if (headers.range === undefined || (condition !== undefined && condition !== etag)) return { kind: 'whole' };
  return judgeRange(headers.range, size);
}

/** The weak comparison: `W/` does not count. */
function matchesAny(list: string, etag: string): boolean {
  if (list.trim() === '*') return true;
  return list.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}

const SINGLE_RANGE = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/;

/** Several ranges, other units and what is malformed are ignored, as the RFC allows: the answer is the whole. */
function judgeRange(header: string, size: number): Wanted {
  const [, first = '', last = ''] = SINGLE_RANGE.exec(header) ?? [];
  if (first === '' && last === '') return { kind: 'whole' };
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? { kind: 'unsatisfiable' } : part(size - length, size - 1);
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Number(last);
  if (last !== '' && end < start) return { kind: 'whole' };
  return start >= size ? { kind: 'unsatisfiable' } : part(start, Math.min(end, size - 1));
}

function part(start: number, end: number): Wanted {
  return { kind: 'part', range: { start, end } };
}

/** Of an Accept-Encoding header (RFC 9110, 12.5.3); without one nobody is taken to decode anything. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const qualities = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map(qualityOf),
  );
  return (qualities.get('gzip') ?? qualities.get('*') ?? 0) > 0;
}

function qualityOf(item: string): [name: string, quality: number] {
  const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [name, quality === undefined ? 1 : Number(quality) || 0];
}
