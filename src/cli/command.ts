import type { Command } from 'commander';
import type { OperationContext } from '../operations/context.ts';
import type { Setup } from './context/setup.ts';
import type { ContextOptions } from './context.ts';
import type { GlobalOptions } from './globals.ts';
import type { Format } from './output/format.ts';
import type { Output } from './output/output.ts';
import type { Streams } from './output/streams.ts';

/** What a command gets to work with. Nothing in it is opened before it is asked for. */
export interface Invocation {
  globals: GlobalOptions;
  streams: Streams;
  output: Output;
  /** Of the program. */
  version: string;
  /** Aborted when the user wants to stop. */
  signal: AbortSignal;
  /** The operations' world: settings are read at the first call. */
  context(options?: ContextOptions): Promise<OperationContext>;
  /** One line about where the settings came from. */
  describeSettings(): Promise<string>;
  /** For a configuration that is yet to be written. */
  setup(): Promise<Setup>;
}

/** Runs one command with its own arguments and options, and returns the exit status. */
export type Action = (invocation: Invocation, ...argumentsAndOptions: never[]) => Promise<number>;

/** Gives a command its action; the frame does everything around it. */
export type Bind = (command: Command, settings: CommandSettings, action: Action) => void;

export interface CommandSettings {
  formats: readonly Format[];
  /** Ends quietly, exit 0, when nobody reads its output any more. A command that changes something goes on. */
  stopsWithReader: boolean;
  /** A signal is how it ends, and leaves nothing undone. */
  endsBySignal?: true;
}

/** What a file in commands/ exports. */
export interface CommandModule {
  configure(command: Command, bind: Bind): void;
}
