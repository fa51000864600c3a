/** The candidate with the fewest typing errors between it and the word; undefined only without candidates. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, distance: distanceIgnoringCase(word, candidate) }));
  ranked.sort((left, right) => left.distance - right.distance);
  return ranked[0]?.candidate;
}

/** Whether one is plausibly a mistyped other. */
export function isNear(word: string, candidate: string): boolean {
  return distanceIgnoringCase(word, candidate) <= Math.max(2, Math.floor(candidate.length / 3));
}

/** `Did you mean "bucket"? Valid: bucket, region.` */
export function suggest(word: string, candidates: readonly string[]): string {
  const best = nearest(word, candidates);
  const guess = best !== undefined && isNear(word, best) ? `Did you mean "${best}"? ` : '';
  return `${guess}Valid: ${candidates.join(', ')}.`;
}

// A word far longer than any key has no near one; its distance is not worth computing.
const LONGEST_WORD = 100;

function distanceIgnoringCase(left: string, right: string): number {
  return editDistance(left.slice(0, LONGEST_WORD).toLowerCase(), right.slice(0, LONGEST_WORD).toLowerCase());
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const costs = [
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
        swapped ? at(beforePrevious, column - 2) + 1 : Number.POSITIVE_INFINITY,
      ];
      current.push(Math.min(...costs));
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
