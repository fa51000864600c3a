import type { Output } from './output.ts';
import type { Streams } from './streams.ts';

/** Tells people how far a long command is. Costs nothing while it is quick. */
export interface Progress {
  /** What a person would like to read now: `stored 120 files, 1.2 GiB`. Is called only when it is shown. */
  update(text: () => string): void;
  /** Makes room for lines of results; the next frame draws it again. */
  clear(): void;
  /** Takes the line away; results and errors may be written again. */
  stop(): void;
}

const PLAIN_INTERVAL = 10_000;
/** A command that is done by then never shows a spinner, and never loads one. */
const SPINNER_DELAY = 400;

const SILENT: Progress = { update: () => undefined, clear: () => undefined, stop: () => undefined };

export function startProgress(output: Output, streams: Streams): Progress {
  if (!output.showProgress) return SILENT;
  return output.err.isTTY ? spinner(streams) : plainLines(output);
}

/** Where no terminal is (CI): one plain line at most every 10 s. */
function plainLines(output: Output): Progress {
  let latest: (() => string) | undefined;
  const timer = setInterval(() => {
    if (latest !== undefined) output.note(latest());
    latest = undefined;
  }, PLAIN_INTERVAL);
  timer.unref();
  return {
    update(text) {
      latest = text;
    },
    clear: () => undefined,
    stop: () => clearInterval(timer),
  };
}

function spinner(streams: Streams): Progress {
  let text = () => '';
  let stopped = false;
  let shown: { text: string; clear(): unknown; stop(): unknown } | undefined;
  const timer = setTimeout(async () => {
    const { default: ora } = await import('ora');
    // Without discardStdin ora would put the terminal into raw mode and take Ctrl-C from us.
    if (!stopped)
      shown = ora({ text: text(), stream: streams.stderr as NodeJS.WriteStream, discardStdin: false }).start();
  }, SPINNER_DELAY);
  timer.unref();
  return {
    update(next) {
      text = next;
      if (shown !== undefined) shown.text = next();
    },
    clear: () => {
      shown?.clear();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      shown?.stop();
    },
  };
}
