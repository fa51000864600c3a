import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { wholeNumber } from '../options/values.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { jsonDocument, jsonLine } from '../output/json.ts';
import { createLineLog } from '../output/line-log.ts';

interface ServeOptions {
  host: string;
  port: number;
  trustProxy?: number | true;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const LARGEST_PORT = 65_535;
/** No address that a client could use. */
const EVERYWHERE = new Set(['0.0.0.0', '::']);

const EXAMPLES = `
Everyone who asks brings a token (asset-cli token create) as Authorization: Bearer. What there is to
ask is described at /openapi.json. A line of JSON for each request goes to stderr, unless --quiet.
SIGTERM and SIGINT let the requests under way finish, for at most 10 s. Speaks plain HTTP: put a
proxy with TLS before it, and say so with --trust-proxy.

Examples:
  $ asset-cli serve
  $ asset-cli serve --host 0.0.0.0 --port 8080 --trust-proxy
`;

export function configure(command: Command, bind: Bind): void {
  command
    .option('--host <address>', 'where to listen', DEFAULT_HOST)
    .option('--port <n>', 'at which port; 0: any that is free', parsePort, DEFAULT_PORT)
    .option('--trust-proxy [hops]', 'believe X-Forwarded-For of so many proxies in front (1)', wholeNumber(1))
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false, endsBySignal: true }, runServe);
}

function parsePort(text: string): number {
  const port = wholeNumber(0)(text);
  if (port <= LARGEST_PORT) return port;
  throw new InvalidArgumentError(`Give a port up to ${LARGEST_PORT}.`);
}

async function runServe(invocation: Invocation, { host, port, trustProxy }: ServeOptions): Promise<number> {
  const { output, signal } = invocation;
  const lines = createLineLog(output.err);
  const { createServer } = await import('../../http/server.ts');
  const { createAccessLog } = await import('../../http/access-log.ts');
  const log = createAccessLog(lines.write, output.quiet);
  const warn = (message: string): void => log.write({ level: 'warning', message });
  const context = await invocation.context({ stores: true, warn });
  // Whether there is a catalog to serve is known before the first request.
  await context.catalog();
  const server = await createServer({
    context,
    version: invocation.version,
    proxies: trustProxy === true ? 1 : (trustProxy ?? 0),
    log,
  });
  const url = await server.listen(host, port);
  if (context.serving.publicUrl === undefined && (EVERYWHERE.has(host) || trustProxy !== undefined)) {
    warn(`signed URLs begin with ${url}: set serve.publicUrl to what others reach`);
  }
  await output.out.write(announcement(output.format, url));
  if (!signal.aborted) await once(signal, 'abort');
  log.write({ level: 'info', message: 'stopping' });
  await server.close();
  await lines.flush();
  return EXIT_OK;
}

function announcement(format: string, url: string): string {
  if (format === 'text') return `${url}\n`;
  return format === 'json' ? jsonDocument({ url }) : jsonLine({ url });
}
