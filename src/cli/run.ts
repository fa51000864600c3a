import { type Command, CommanderError } from 'commander';
import { AssetError } from '../core/errors.ts';
import type { Action, Bind, CommandSettings, Invocation } from './command.ts';
import { EXIT_OK, exitCodeOf } from './exit-codes.ts';
import { collectGlobals, type GlobalOptions } from './globals.ts';
import type { Host } from './host.ts';
import { type ErrorView, renderError } from './output/errors.ts';
import { chooseFormat } from './output/format.ts';
import { createOutput, type Output } from './output/output.ts';
import { createWriter, ReaderGone, stopWithReader, type TextWriter } from './output/streams.ts';
import { createProgram } from './program.ts';
import { watchSignals } from './signals.ts';
import { usageError } from './usage-errors.ts';

interface Frame {
  host: Host;
  version: string;
  out: TextWriter;
  err: TextWriter;
}

/** Parses the command line, runs the one command that it names, and tells how that ended. */
export async function run(argv: readonly string[], host: Host, version: string): Promise<number> {
  const frame: Frame = { host, version, out: createWriter(host.stdout), err: createWriter(host.stderr) };
  let status = EXIT_OK;
  let help = '';
  const bind: Bind = (command, settings, action) => {
    command.action(async (...values: unknown[]) => {
      status = await invoke(frame, command, settings, action, values.slice(0, -1));
    });
  };
  const program = createProgram({
    version,
    bind,
    writeOut: (text) => {
      help += text;
    },
    columns: frame.out.columns,
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    status = await reportParsing(frame, error, program, argv);
  }
  try {
    await frame.out.write(help);
  } catch (error) {
    status = await reportParsing(frame, outputFull(error), program, argv);
  }
  return status;
}

async function reportParsing(frame: Frame, error: unknown, program: Command, argv: readonly string[]): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === EXIT_OK) return EXIT_OK;
  const problem = error instanceof CommanderError ? usageError(error, program, argv) : error;
  const verbose = argv.includes('-v') || argv.includes('--verbose');
  const paint = outputOf(frame, { ...colourChoice(argv) }, 'text').paintError;
  return report(frame, problem, { json: looksLikeJson(argv, frame.host.env), verbose, paint });
}

function colourChoice(argv: readonly string[]): GlobalOptions {
  return argv.includes('--no-color') ? { color: false } : {};
}

/** The format of an error that keeps us from knowing the options. */
function looksLikeJson(argv: readonly string[], environment: Host['env']): boolean {
  const end = argv.indexOf('--');
  const options = (end === -1 ? argv : argv.slice(0, end)).join(' ');
  if (/(^| )--json( |$)|(^| )--format[ =]jsonl?( |$)/.test(options)) return true;
  return !/(^| )--format[ =]/.test(options) && /^jsonl?$/.test(environment['ASSET_CLI_FORMAT'] ?? '');
}

async function invoke(
  frame: Frame,
  command: Command,
  settings: CommandSettings,
  action: Action,
  argumentsAndOptions: unknown[],
): Promise<number> {
  const globals = collectGlobals(command);
  const out = settings.stopsWithReader ? stopWithReader(frame.out) : frame.out;
  let output = outputOf({ ...frame, out }, globals, globals.json === true ? 'json' : 'text');
  const interruption = watchSignals(frame.host);
  const { createWorld } = await import('./context.ts');
  const { signal } = interruption;
  const world = createWorld(frame.host, globals, signal, (message) => output.warn(message));
  let status: number;
  let told = false;
  try {
    const chosen = { ...globals, ...environmentFormat(frame.host.env) };
    output = outputOf({ ...frame, out }, globals, chooseFormat(chosen, settings.formats));
    const invocation: Invocation = { globals, streams: frame.host, output, version: frame.version, signal, ...world };
    // Commander parsed them as the command's own file declared them.
    status = await action(invocation, ...(argumentsAndOptions as never[]));
  } catch (error) {
    status = await reportEnd(frame, error, viewOf(output));
    told = error instanceof AssetError && error.code === 'INTERRUPTED';
  }
  try {
    await world.close();
  } catch (error) {
    status = status === EXIT_OK ? await reportEnd(frame, error, viewOf(output)) : status;
  }
  interruption.release();
  if (interruption.exitCode === undefined) return status;
  if (!told && settings.endsBySignal !== true) await report(frame, interrupted(), viewOf(output));
  return interruption.exitCode;
}

function environmentFormat(environment: Host['env']): { environment?: string } {
  const format = environment['ASSET_CLI_FORMAT'];
  return format === undefined ? {} : { environment: format };
}

function outputOf(frame: Frame, globals: GlobalOptions, format: Output['format']): Output {
  const noColor = frame.host.env['NO_COLOR'] ?? '';
  return createOutput(frame.out, frame.err, {
    format,
    quiet: globals.quiet === true,
    verbose: globals.verbose === true,
    progress: globals.progress !== false,
    color: globals.color !== false && noColor === '',
  });
}

function viewOf(output: Output): ErrorView {
  const json = output.format === 'json' || output.format === 'jsonl';
  return { json, verbose: output.verbose, paint: output.paintError };
}

function reportEnd(frame: Frame, error: unknown, view: ErrorView): Promise<number> {
  if (error instanceof ReaderGone) return Promise.resolve(EXIT_OK);
  return report(frame, outputFull(error), view);
}

async function report(frame: Frame, error: unknown, view: ErrorView): Promise<number> {
  await frame.err.write(renderError(error, view));
  return exitCodeOf(error);
}

function interrupted(): AssetError {
  return new AssetError('INTERRUPTED', 'Stopped before everything was done', {
    hint: 'What was reported is done. Run the command again for the rest.',
  });
}

/** The results are redirected to a file whose disk is full. */
function outputFull(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ENOSPC' || error instanceof AssetError) return error;
  return new AssetError('DISK_FULL', 'The output could not be written: its disk is full', {
    hint: 'Make room, or send the output elsewhere.',
    cause: error,
  });
}
