import { AssetError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { readNamed, variable } from './environment.ts';
import type { LoadedFile } from './load-file.ts';
import type { BackendSettings, Environment } from './settings.ts';

export const CDN_DOMAIN_FORM =
  'Write the host alone, in lower case, or with the path that goes before the keys: cdn.example.com, cdn.example.com/assets';

const HOST = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\\d{1,5})?';
const DOT_SEGMENT = /\/\.\.?(?:\/|$)/;
const DOMAIN = new RegExp(`^${HOST}(?:/[A-Za-z0-9._~-]+)*$`);

/** A host, perhaps with a port and a path; addresses always begin with https. */
export function isCdnDomain(text: string): boolean {
  // Readers of an address resolve dot segments, and give up on what no port can be.
  return text.length <= 255 && DOMAIN.test(text) && !DOT_SEGMENT.test(text) && URL.canParse(`https://${text}`);
}

/**
 * The domain of each backend that has one. CDN_DOMAIN sets the default: what a file says goes before it.
 * @throws AssetError CONFIG_INVALID
 */
export function resolveCdnDomains(
  env: Environment,
  file: LoadedFile | undefined,
  backends: ReadonlyMap<string, BackendSettings>,
): ReadonlyMap<string, string> {
  const names = [...backends.keys()];
  const written = file?.config.cdn?.domain ?? domainVariable(env);
  if (written === undefined) return new Map();
  if (typeof written === 'string') return new Map(names.map((name) => [name, written]));
  for (const name of Object.keys(written)) {
    if (!backends.has(name))
      throw file?.error(
        ['cdn', 'domain', name],
        `cdn.domain names a backend that is not defined`,
        suggest(name, names),
      );
  }
  return new Map(Object.entries(written));
}

function domainVariable(env: Environment): string | undefined {
  const text = variable(env, 'CDN_DOMAIN');
  if (text === undefined) return undefined;
  return readNamed('CDN_DOMAIN', text, (value) => {
    if (isCdnDomain(value)) return value;
    throw new AssetError('USAGE', 'this is not a domain', { hint: CDN_DOMAIN_FORM });
  });
}
