import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { EAGER_COLLECTION, LATE_OPTIMISING, SMALL_YOUNG_GENERATION } from '../../src/cli/flat-memory.ts';

/** V8 says on stderr that it does not know a flag, and goes on. */
it.each([SMALL_YOUNG_GENERATION, EAGER_COLLECTION, ...LATE_OPTIMISING])('V8 knows %s', (flag) => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  expect(known).toContain(`  ${flag.replace(/=.*/, ' (')}`);
});
