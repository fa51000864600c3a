import type { Streams } from './output/streams.ts';
import type { SignalSource } from './signals.ts';

/** The process as the command line sees it; `process` itself is one, tests hand in their own. */
export interface Host extends Streams, SignalSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
}
