import { spawnSync } from 'node:child_process';

/**
 * Looks for a program that a test needs. What is missing is said loudly, with the way to get it, and
 * fails in CI.
 */
export function requireTool(command: string, args: readonly string[], install: string): { missing: boolean } {
  const found = spawnSync(command, args, { stdio: 'ignore' });
  if (found.error === undefined && found.status === 0) return { missing: false };
  const message = `${command} is missing; get it with: ${install}`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`SKIPPED: ${message}\n`);
  return { missing: true };
}
