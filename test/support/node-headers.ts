import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * For native modules that are compiled: node-gyp fetches Node's headers unless it is told where they
 * are, and this Node may have brought its own.
 */
export function nodeHeaders(): Record<string, string> {
  const prefix = resolve(realpathSync(process.execPath), '../..');
  const found = existsSync(join(prefix, 'include/node/node.h'));
  return found ? { npm_config_nodedir: prefix } : {};
}
