import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadSettings } from '../../src/config/load.ts';
import type { Environment, LoadedSettings, Settings, SettingsFlags } from '../../src/config/settings.ts';
import { temporaryDirectory } from './workspace.ts';

/** A user's home and a working directory below it, both of one test alone. */
export interface Desk {
  home: string;
  cwd: string;
  /** Writes a file; its path counts from the working directory. */
  write(path: string, text: string): Promise<string>;
  load(options?: { flags?: SettingsFlags; env?: Environment; cwd?: string }): Promise<LoadedSettings>;
  settings(options?: { flags?: SettingsFlags; env?: Environment }): Promise<Settings>;
}

export async function createDesk(): Promise<Desk> {
  const home = await temporaryDirectory();
  const cwd = join(home, 'work');
  await mkdir(cwd);
  const load: Desk['load'] = ({ flags = {}, env = {}, cwd: elsewhere = cwd } = {}) =>
    loadSettings({ flags, env: { HOME: home, ...env }, cwd: elsewhere });
  return {
    home,
    cwd,
    load,
    async write(path, text) {
      const file = join(cwd, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode: 0o600 });
      return file;
    },
    settings: async (options) => (await load(options)).settings,
  };
}
