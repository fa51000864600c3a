import { DEFAULT_CLAMD } from './defaults.ts';
import type { LoadedFile } from './load-file.ts';
import { resolvePath } from './paths.ts';
import type { ScanSettings } from './settings.ts';

/** clamd is on this machine where nothing else is said. */
export function resolveScan(file: LoadedFile | undefined): ScanSettings {
  const { mode = 'auto', clamd = {} } = file?.config.scan ?? {};
  const configured = file?.config.scan !== undefined;
  if (file === undefined || clamd.socket === undefined) {
    const { host = DEFAULT_CLAMD.host, port = DEFAULT_CLAMD.port } = clamd;
    return { mode, clamd: { host, port }, configured };
  }
  if (clamd.host !== undefined || clamd.port !== undefined) {
    const hint = 'Keep "socket", or "host" and "port".';
    throw file.error(['scan', 'clamd'], 'scan.clamd names both a socket and an address', hint);
  }
  return { mode, clamd: { socket: resolvePath(clamd.socket, file.base) }, configured };
}
