import { join, resolve } from 'node:path';
import { type Discovery, discover, withoutPassword } from '../../config/discover.ts';
import { CONNECTION_VARIABLE, type ConfigDraft, renderDraft, type StoreDraft } from '../../config/draft.ts';
import { loadSettings } from '../../config/load.ts';
import { dataDirectory, resolvePath, userConfigDirectory } from '../../config/paths.ts';
import type { Environment, Settings } from '../../config/settings.ts';
import type { OperationContext } from '../../operations/context.ts';
import type { GlobalOptions } from '../globals.ts';
import { type Host, workingDirectory } from '../host.ts';

export type { ConfigDraft, Discovery, StoreDraft };
export { CONNECTION_VARIABLE, withoutPassword };

/** What \`init\` works with: what there is to choose from, and a world in which a draft is in force. */
export interface Setup {
  found: Discovery;
  /** Where a configuration is found by itself; \`user\` is undefined for a user without a home directory. */
  places: { here: string; user: string | undefined };
  /** Of the embedded database and the built-in store. */
  dataDirectory: string;
  environment: Environment;
  resolve(path: string): string;
  render(draft: ConfigDraft): string;
  /**
   * Just as if the file were there and these variables were set.
   * @throws AssetError CONFIG_INVALID
   */
  tryOut(file: { path: string; text: string }, environment: Environment): Promise<TriedOut>;
}

export interface TriedOut {
  context: OperationContext;
  /** The directory of the default backend, if that is LOCAL. */
  directory: string | undefined;
}

/** A person is waiting for each answer to be tested. */
const DEADLINE_MILLISECONDS = 8000;

/** What would go before the file, and hide what is being tested. */
const HIDING = ['ASSET_CLI_DATABASE', 'ASSET_CLI_BACKEND', 'STORAGE_PROVIDER', 'LOCAL_STORAGE_PATH'];

export function createSetup(
  host: Host,
  { as, org, role }: GlobalOptions,
  contextFrom: (settings: Settings, environment: Environment) => OperationContext,
): Setup {
  const cwd = workingDirectory(host);
  const base = { directory: cwd, env: host.env };
  const userDirectory = userConfigDirectory(host.env);
  return {
    found: discover(host.env),
    places: {
      here: join(cwd, 'asset-cli.config.yaml'),
      user: userDirectory === undefined ? undefined : join(userDirectory, 'config.yaml'),
    },
    dataDirectory: dataDirectory(base),
    environment: host.env,
    resolve: (path) => (path.startsWith('~') ? resolvePath(path, base) : resolve(cwd, path)),
    render: renderDraft,
    async tryOut(draft, environment) {
      const env = Object.fromEntries(Object.entries(environment).filter(([name]) => !HIDING.includes(name)));
      const { settings } = await loadSettings({ flags: { as, org, role }, env, cwd, draft });
      const store = settings.backends.get(settings.defaultBackend);
      const deadline = Math.min(settings.timeouts.deadline, DEADLINE_MILLISECONDS);
      const patient = { ...settings, timeouts: { ...settings.timeouts, deadline } };
      return {
        context: contextFrom(patient, env),
        directory: store?.provider === 'LOCAL' ? store.path : undefined,
      };
    },
  };
}
