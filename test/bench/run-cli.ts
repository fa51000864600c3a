import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM } from '../support/program.ts';

/** Runs the built program beside others; any other exit status than those that are accepted is an error. */
export async function runCli(
  args: readonly string[],
  env: Record<string, string>,
  accepted: readonly number[] = [0],
): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code]: unknown[] = await once(child, 'close');
  if (typeof code === 'number' && accepted.includes(code)) return;
  throw new Error(`asset-cli ${args.join(' ')} ended with ${code}: ${errors}`);
}
