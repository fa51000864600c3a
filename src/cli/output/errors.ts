import { AssetError, type FailureRecord, toFailure } from '../../core/errors.ts';
import { redactText } from '../../core/redact.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import { jsonLine } from './json.ts';
import type { Paint } from './output.ts';

export interface ErrorView {
  json: boolean;
  verbose: boolean;
  paint: Paint;
}

const BUG_HINT = 'This is a bug. Please report it with the lines below.';

/** One line of what went wrong and one of what to do, or one JSON value. A stack only with -v or for a bug. */
export function renderError(error: unknown, view: ErrorView): string {
  return redactText(renderWhole(error, view));
}

function renderWhole(error: unknown, view: ErrorView): string {
  const failure = toFailure(error);
  const hint = error instanceof AssetError ? failure.hint : BUG_HINT;
  if (view.json) {
    const details = error instanceof AssetError ? (error.details ?? {}) : { stack: stackOf(error) };
    return jsonLine({ error: { code: failure.code, message: failure.message, hint: hint ?? null, details } });
  }
  const lines = [`${view.paint('red', 'error:')} ${escapeForTerminal(failure.message)}`];
  if (hint !== undefined) lines.push(`${view.paint('cyan', 'hint:')}  ${escapeForTerminal(hint)}`);
  if (view.verbose && failure.requestId !== undefined) lines.push(`request: ${escapeForTerminal(failure.requestId)}`);
  if (view.verbose || !(error instanceof AssetError)) lines.push(view.paint('dim', stackOf(error)));
  return `${lines.join('\n')}\n`;
}

/** One line about an item of a batch that failed. */
export function renderFailure(subject: string, failure: FailureRecord, paint: Paint): string {
  const hint = failure.hint === undefined ? '' : `\n${paint('cyan', 'hint:')}  ${escapeForTerminal(failure.hint)}`;
  const named = failure.message.includes(subject) ? failure.message : `${subject}: ${failure.message}`;
  const what = escapeForTerminal(named);
  return redactText(`${paint('red', 'failed:')} ${what}${hint}\n`);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${own}${cause}`
    .split('\n')
    .map((line) => escapeForTerminal(line))
    .join('\n');
}
