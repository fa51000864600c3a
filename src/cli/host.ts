import { AssetError } from '../core/errors.ts';
import type { Streams } from './output/streams.ts';
import type { SignalSource } from './signals.ts';

/** The process as the command line sees it; `process` itself is one, tests hand in their own. */
export interface Host extends Streams, SignalSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
}

/** @throws AssetError PATH_NOT_FOUND if it was removed meanwhile */
export function workingDirectory(host: Host): string {
  try {
    return host.cwd();
  } catch (cause) {
    throw new AssetError('PATH_NOT_FOUND', 'The directory in which this runs does not exist any more', {
      hint: 'Change to one that does.',
      cause,
    });
  }
}
