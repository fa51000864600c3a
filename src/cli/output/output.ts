import { styleText } from 'node:util';
import { redactText } from '../../core/redact.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { Format } from './format.ts';
import type { TextWriter } from './streams.ts';

type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** How a command talks: results to `out`, everything else to `err`. */
export interface Output {
  readonly format: Format;
  readonly out: TextWriter;
  readonly err: TextWriter;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Progress lines, spinners and bars are wanted. */
  readonly showProgress: boolean;
  /** Colours results where they are for eyes, else leaves them alone. */
  readonly paint: Paint;
  /** The same for stderr. */
  readonly paintError: Paint;
  /** One line on stderr that `--quiet` does not silence. */
  warn(message: string): void;
  /** One line on stderr for people; `--quiet` silences it. */
  note(message: string): void;
}

export interface OutputChoices {
  format: Format;
  quiet: boolean;
  verbose: boolean;
  progress: boolean;
  /** `--no-color` or NO_COLOR were not given. */
  color: boolean;
}

export function createOutput(out: TextWriter, err: TextWriter, choices: OutputChoices): Output {
  const paint = painter(choices.color && out.isTTY);
  const paintError = painter(choices.color && err.isTTY);
  const say = (text: string): void => {
    // Nobody is left to tell if stderr itself fails.
    err.write(text).catch(() => undefined);
  };
  return {
    format: choices.format,
    out,
    err,
    quiet: choices.quiet,
    verbose: choices.verbose,
    showProgress: choices.progress && !choices.quiet,
    paint,
    paintError,
    warn: (message) => say(`${paintError('yellow', 'warning:')} ${escapeForTerminal(redactText(message))}\n`),
    note: (message) => {
      if (!choices.quiet) say(`${escapeForTerminal(message)}\n`);
    },
  };
}

function painter(enabled: boolean): Paint {
  if (!enabled) return (_style, text) => text;
  // Which stream it is for is decided here, not by process.stdout.
  return (style, text) => styleText(style, text, { validateStream: false });
}
