import { escapeForTerminal } from '../../core/terminal-text.ts';
import { ask as askOne } from '../output/ask.ts';
import type { Streams } from '../output/streams.ts';

/** The kinds of questions that `init` has; each throws INTERRUPTED on Ctrl-C. */
export interface Questions {
  choose<T extends string>(message: string, choices: readonly Choice<T>[], known?: T): Promise<T>;
  text(message: string, options: { known: string | undefined }): Promise<string>;
  /** Nothing is an answer too. */
  optionalText(message: string, known: string | undefined): Promise<string | undefined>;
  confirm(message: string, known: boolean): Promise<boolean>;
}

export interface Choice<T extends string> {
  value: T;
  name: string;
}

export function createQuestions(streams: Streams, signal: AbortSignal): Questions {
  // A catalog that was tried out may have been made.
  const ask = <T>(question: Parameters<typeof askOne<T>>[2]) =>
    askOne(streams, signal, question, 'No configuration was written');
  const typed = (message: string, known: string | undefined, required: boolean): Promise<string> =>
    ask(({ input }, context) =>
      input(
        {
          message,
          ...(known === undefined ? {} : { default: known, prefill: required ? 'tab' : 'editable' }),
          validate: (value) => !required || value.trim() !== '' || 'Please answer.',
        },
        context,
      ),
    );
  return {
    choose: (message, choices, known) =>
      ask(({ select }, context) => {
        const shown = choices.map(({ value, name }) => ({ value, name: escapeForTerminal(name) }));
        return select({ message, choices: shown, ...(known === undefined ? {} : { default: known }) }, context);
      }),
    text: async (message, { known }) => (await typed(message, known, true)).trim(),
    async optionalText(message, known) {
      const answer = (await typed(message, known, false)).trim();
      return answer === '' ? undefined : answer;
    },
    confirm: (message, known) => ask(({ confirm }, context) => confirm({ message, default: known }, context)),
  };
}
