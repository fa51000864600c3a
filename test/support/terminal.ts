import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { temporaryDirectory } from './workspace.ts';

/** A real terminal (tmux) with a program in it. */
export interface Terminal {
  /** `\n` is Enter, `\t` Tab, `\u0003` Ctrl-C. */
  type(keys: string): void;
  /** What the screen shows now, the lines that have scrolled away too. */
  screen(): string;
  /** Waits until the screen matches. */
  shows(expected: RegExp): Promise<string>;
}

const PATIENCE_MILLISECONDS = 15_000;

/** Needs tmux; the caller skips loudly where it is missing. Ends with the test. */
export async function inTerminal(
  command: readonly string[],
  options: { columns?: number; rows?: number; env?: Record<string, string>; cwd?: string } = {},
): Promise<Terminal> {
  const { columns = 80, rows = 30, env = {} } = options;
  const directory = options.cwd ?? (await temporaryDirectory());
  const socket = join(await temporaryDirectory(), 'tmux');
  const session = randomUUID();
  const tmux = (...args: string[]): string => {
    const { stdout, stderr, status } = spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: directory, TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env },
    });
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  };
  const size = ['-x', String(columns), '-y', String(rows)];
  const environment = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  tmux('new-session', '-d', '-s', session, ...size, ...environment, '-c', directory, ...command);
  onTestFinished(() => {
    spawnSync('tmux', ['-S', socket, 'kill-server']);
  });
  tmux('set-option', '-t', session, 'remain-on-exit', 'on');
  const screen = (): string => tmux('capture-pane', '-p', '-J', '-S', '-', '-t', session);
  return {
    type: (keys) => {
      tmux('send-keys', '-t', session, '-l', keys);
    },
    screen,
    async shows(expected) {
      const end = Date.now() + PATIENCE_MILLISECONDS;
      while (!expected.test(screen()) && Date.now() < end) await sleep(50);
      expect(screen()).toMatch(expected);
      return screen();
    },
  };
}
