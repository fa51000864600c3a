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

type Question<T> = (prompts: Prompts, context: PromptContext) => Promise<T>;

/**
 * Asks one question, and again after Ctrl-Z and `fg`.
 * @throws AssetError INTERRUPTED on Ctrl-C, CONFIRMATION_REQUIRED where the input ends (Ctrl-D, a terminal that is gone)
 */
export async function ask<T>(
  streams: Streams,
  signal: AbortSignal,
  question: Question<T>,
  unanswered = 'Nothing was changed',
): Promise<T> {
  for (;;) {
    const result = await askOnce(streams, signal, question);
    if (result.kind === 'answer') return result.answer;
    if (result.kind === 'taken-up') continue;
    const code = result.kind === 'ended' ? 'CONFIRMATION_REQUIRED' : 'INTERRUPTED';
    throw new AssetError(code, unanswered, { hint: 'The question was not answered.' });
  }
}

type Asked<T> = { kind: 'answer'; answer: T } | { kind: 'interrupted' | LetGo };
type LetGo = 'ended' | 'taken-up';

async function askOnce<T>(streams: Streams, signal: AbortSignal, question: Question<T>): Promise<Asked<T>> {
  const prompts = await import('@inquirer/prompts');
  const { stdin: input, stderr: output } = streams;
  const end = new AbortController();
  let isTakenUp = false;
  let letGo: LetGo | undefined;
  // readline, which listens from the stop on, lets go of its input then, for whoever asked to begin anew.
  const onTakenUp = () => {
    isTakenUp = true;
    setImmediate(() => {
      isTakenUp = false;
    });
  };
  // A prompt whose input ends lets go of it and is never settled; one that is settled heeds this no more.
  const onLetGo = () => {
    const reason = isTakenUp ? 'taken-up' : 'ended';
    setImmediate(() => {
      letGo = reason;
      end.abort();
    });
  };
  process.on('SIGCONT', onTakenUp);
  input.once('pause', onLetGo);
  try {
    const context = { input, output, signal: AbortSignal.any([signal, end.signal]) };
    return { kind: 'answer', answer: await question(prompts, context) };
  } catch (error) {
    const stopped = error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name);
    if (!stopped) throw error;
    return { kind: signal.aborted ? 'interrupted' : (letGo ?? 'interrupted') };
  } finally {
    input.off('pause', onLetGo);
    process.off('SIGCONT', onTakenUp);
  }
}
