import { AssetError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { Streams } from './streams.ts';

export interface ConfirmChoices {
  /** `--yes` */
  yes: boolean;
  /** Not switched off by `--no-input`. */
  input: boolean;
}

/**
 * Asks before something is destroyed. `deed` is a whole sentence's beginning: `Delete 3 assets (1.2 MiB)`.
 * @throws AssetError CONFIRMATION_REQUIRED where nobody can be asked or the answer is no, INTERRUPTED on Ctrl-C
 */
export async function confirmOrStop(
  streams: Streams,
  choices: ConfirmChoices,
  deed: string,
  signal: AbortSignal,
): Promise<void> {
  if (choices.yes) return;
  if (!choices.input || streams.stdin.isTTY !== true || streams.stderr.isTTY !== true) {
    throw new AssetError('CONFIRMATION_REQUIRED', `${deed}: nobody can be asked here`, {
      hint: 'If that is what you want, say so with --yes.',
    });
  }
  const agreed = await ask(streams, `${escapeForTerminal(deed)}?`, signal);
  if (!agreed) throw new AssetError('CONFIRMATION_REQUIRED', 'Nothing was changed', { hint: 'You answered no.' });
}

async function ask(streams: Streams, message: string, signal: AbortSignal): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts');
  try {
    return await confirm({ message, default: false }, { input: streams.stdin, output: streams.stderr, signal });
  } catch (error) {
    const stopped = error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name);
    if (!stopped) throw error;
    throw new AssetError('INTERRUPTED', 'Nothing was changed', { hint: 'The question was not answered.' });
  }
}

/** `1 asset (3.1 MiB)`, `12 assets (1.2 GiB)` */
export function countAndSize(count: number, bytes: number): string {
  return `${count} ${count === 1 ? 'asset' : 'assets'} (${formatSize(bytes)})`;
}
