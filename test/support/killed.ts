import { expect } from 'vitest';
import { finished, type ProgramResult, runProgram, startProgram } from './program.ts';

/** Runs the program until its nth system call of a kind, which it does not live to make. Needs strace. */
export async function runKilledAt(
  home: string,
  args: readonly string[],
  call: string,
  nth: number,
): Promise<ProgramResult> {
  const prefix = ['strace', '-f', '-qqq', '-o', '/dev/null', '-e', `trace=${call}`];
  prefix.push('-e', `inject=${call}:signal=KILL:when=${nth}`);
  // One thread for file work, so that a point is the same call each time.
  return runProgram(home, args, { prefix, env: { UV_THREADPOOL_SIZE: '1' } });
}

/**
 * Runs the program again and again until so many runs were killed at random moments of their lives; one that is faster
 * than its killer has to succeed. `wordsOf` gives the words of each round, `life` a first guess in milliseconds.
 */
export async function killAtRandom(
  home: string,
  kills: number,
  wordsOf: (round: number) => readonly string[],
  { life, env = {} }: { life: number; env?: Record<string, string> },
): Promise<void> {
  let expected = life;
  for (let killed = 0, round = 0; killed < kills; round += 1) {
    const child = startProgram(home, wordsOf(round), { env });
    child.stdin?.end();
    const started = performance.now();
    const killer = setTimeout(() => child.kill('SIGKILL'), Math.random() * expected);
    const { signal, code, stderr } = await finished(child);
    clearTimeout(killer);
    if (signal === 'SIGKILL') killed += 1;
    else {
      expect(code, stderr).toBe(0);
      expected = performance.now() - started;
    }
  }
}
