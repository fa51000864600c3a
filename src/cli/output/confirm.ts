import { AssetError } from '../../core/errors.ts';
import { formatSize } from '../../core/size.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import { ask, canAsk } from './ask.ts';
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
  if (!canAsk(streams, choices.input)) {
    throw new AssetError('CONFIRMATION_REQUIRED', `${deed}: nobody can be asked here`, {
      hint: 'If that is what you want, say so with --yes.',
    });
  }
  const message = `${escapeForTerminal(deed)}?`;
  const agreed = await ask(streams, signal, ({ confirm }, context) => confirm({ message, default: false }, context));
  if (!agreed) throw new AssetError('CONFIRMATION_REQUIRED', 'Nothing was changed', { hint: 'You answered no.' });
}

/** `1 asset (3.1 MiB)`, `12 assets (1.2 GiB)` */
export function countAndSize(count: number, bytes: number): string {
  return `${count} ${count === 1 ? 'asset' : 'assets'} (${formatSize(bytes)})`;
}
