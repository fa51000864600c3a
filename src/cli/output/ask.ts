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
 * @throws AssetError INTERRUPTED on Ctrl-C, CONFIRMATION_REQUIRED where the input ends (Ctrl-D, a terminal that is gone)
 */
export async function ask<T>(
  streams: Streams,
  signal: AbortSignal,
  question: (prompts: Prompts, context: PromptContext) => Promise<T>,
  unanswered = 'Nothing was changed',
): Promise<T> {
  const prompts = await import('@inquirer/prompts');
  const { stdin: input, stderr: output } = streams;
  // A prompt whose input ends lets go of it and is never settled; one that is settled heeds this no more.
  const end = new AbortController();
  const onLetGo = () => setImmediate(() => end.abort());
  input.once('pause', onLetGo);
  try {
    return await question(prompts, { input, output, signal: AbortSignal.any([signal, end.signal]) });
  } catch (error) {
    const stopped = error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name);
    if (!stopped) throw error;
    const hasEnded = end.signal.aborted && !signal.aborted;
    const code = hasEnded ? 'CONFIRMATION_REQUIRED' : 'INTERRUPTED';
    throw new AssetError(code, unanswered, { hint: 'The question was not answered.' });
  } finally {
    input.off('pause', onLetGo);
  }
}
