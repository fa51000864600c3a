const DEEPEST = 64;
const WIDEST_INDENTATION = 200;
const STACKED_IN_ONE_LINE = new RegExp(`^ {${WIDEST_INDENTATION}}|^ *(?:[-?:][ \\t]+){${DEEPEST}}`, 'm');

/**
 * Where a text is nested so deeply that parsing it would use up the stack, which can end the process on the
 * spot. Told from brackets, colons and indentation alone, without regard to quotes: no honest configuration
 * comes near.
 */
export function tooDeepOffset(text: string): number | undefined {
  const stacked = STACKED_IN_ONE_LINE.exec(text);
  if (stacked !== null) return stacked.index;
  let brackets = 0;
  let colons = 0;
  for (const { 0: mark, index } of text.matchAll(/[[\]{},\n]|:[ \t]/g)) {
    colons = mark.startsWith(':') ? colons + 1 : 0;
    if (mark === '[' || mark === '{') brackets += 1;
    if (mark === ']' || mark === '}') brackets = Math.max(0, brackets - 1);
    if (brackets > DEEPEST || colons > DEEPEST) return index;
  }
  return undefined;
}
