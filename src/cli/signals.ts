import { AssetError } from '../core/errors.ts';

/** The part of the process that ends or is told to end; tests hand in their own. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

export interface Interruption {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** 130 or 143 once that has happened. */
  readonly exitCode: number | undefined;
  /** Gives the signals back. */
  release(): void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** The item under way is finished or undone by then; what is left is a lease, which the next run puts right. */
const LAST_CALL_MILLISECONDS = 10_000;

/** The first signal asks the command to stop, the second ends it at once. */
export function watchSignals(source: SignalSource): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let lastCall: NodeJS.Timeout | undefined;
  const receive = (code: number): void => {
    if (exitCode !== undefined) {
      source.exit(code);
      return;
    }
    exitCode = code;
    lastCall = setTimeout(() => source.exit(code), LAST_CALL_MILLISECONDS);
    lastCall.unref();
    // Whatever the signal stops fails with this.
    controller.abort(new AssetError('INTERRUPTED', 'Stopped before it was done', { hint: 'Run the command again.' }));
  };
  const onInterrupt = (): void => receive(EXIT_CODES.SIGINT);
  const onTerminate = (): void => receive(EXIT_CODES.SIGTERM);
  source.on('SIGINT', onInterrupt);
  source.on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    release() {
      clearTimeout(lastCall);
      source.off('SIGINT', onInterrupt);
      source.off('SIGTERM', onTerminate);
    },
  };
}
