import { AssetError } from '../../core/errors.ts';
import type { Streams } from './streams.ts';

type Prompts = typeof import('@inquirer/prompts');

/** Where prompts read and write: results stay alone on stdout. */
interface PromptContext {
  input: Streams['stdin'];
  output: Streams['stderr'];
  signal: AbortSignal;
}

/** Somebody sits at this terminal and may be asked. */
export function canAsk(streams: Streams, input: boolean | undefined): boolean {
  return input !== false && streams.stdin.isTTY === true && streams.stderr.isTTY === true;
}

/**
 * Asks one question.
 * @throws AssetError INTERRUPTED on Ctrl-C
 */
export async function ask<T>(
  streams: Streams,
  signal: AbortSignal,
  question: (prompts: Prompts, context: PromptContext) => Promise<T>,
  unanswered = 'Nothing was changed',
): Promise<T> {
  const prompts = await import('@inquirer/prompts');
  try {
    return await question(prompts, { input: streams.stdin, output: streams.stderr, signal });
  } catch (error) {
    const stopped = error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name);
    if (!stopped) throw error;
    throw new AssetError('INTERRUPTED', unanswered, { hint: 'The question was not answered.' });
  }
}
