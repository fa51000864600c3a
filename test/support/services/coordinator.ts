import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { azure } from './azure.ts';
import { clamd } from './clamd.ts';
import type { ServiceDefinition, ServiceName, Services, Skip } from './definitions.ts';
import { gcs } from './gcs.ts';
import { postgres } from './postgres.ts';
import { s3 } from './s3.ts';
import { type RunningServer, temporaryFolder } from './server.ts';
import { toxiproxy } from './toxiproxy.ts';

type Definitions = { [Name in ServiceName]: ServiceDefinition<Services[Name]> };
const DEFINITIONS: Definitions = { postgres, s3, azure, gcs, clamd, toxiproxy };

/** Starts each service once, when it is first asked for. */
export interface ServicePool {
  get<Name extends ServiceName>(name: Name): Promise<Services[Name] | Skip>;
  stop(): Promise<void>;
}

export function createServicePool(announce: (line: string) => void): ServicePool {
  const found = new Map<ServiceName, Promise<unknown>>();
  const servers: RunningServer[] = [];

  async function find<Name extends ServiceName>(name: Name): Promise<Services[Name] | Skip> {
    const definition: ServiceDefinition<Services[Name]> = DEFINITIONS[name];
    const url = process.env[definition.variable] ?? '';
    if (url !== '') return definition.fromUrl(url);
    try {
      const started = await definition.start();
      if (started === null) return miss(name, `no server for ${name} on this machine`, definition.install);
      servers.push(started.server);
      return started.service;
    } catch (error) {
      return miss(name, error instanceof Error ? error.message : String(error), definition.install);
    }
  }

  function miss(name: ServiceName, reason: string, install: string): Skip {
    const skip = `${reason}; to get it: ${install}`;
    announce(`SKIPPED: tests that need ${name}: ${skip}`);
    return { skip };
  }

  return {
    get<Name extends ServiceName>(name: Name) {
      const service = (found.get(name) as Promise<Services[Name] | Skip> | undefined) ?? find(name);
      found.set(name, service);
      return service;
    },
    async stop() {
      await Promise.allSettled(found.values());
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** Lets other processes use a pool: `GET /s3` on a local socket answers with the service as JSON. */
export async function shareServicePool(pool: ServicePool): Promise<{ socket: string; close(): Promise<void> }> {
  const folder = await temporaryFolder('services');
  const socket = join(folder, 'socket');
  const listener = createServer(async (incoming, response) => {
    const name = incoming.url?.slice(1) ?? '';
    const service = isServiceName(name) ? await pool.get(name) : { skip: `there is no service "${name}"` };
    response.end(JSON.stringify(service));
  });
  listener.listen(socket);
  await once(listener, 'listening');
  return {
    socket,
    async close() {
      listener.closeAllConnections();
      listener.close();
      await pool.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function askServicePool<Name extends ServiceName>(
  socket: string,
  name: Name,
): Promise<Services[Name] | Skip> {
  const outgoing = request({ socketPath: socket, path: `/${name}`, agent: false }).end();
  const [response] = (await once(outgoing, 'response')) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as Services[Name] | Skip;
}

function isServiceName(name: string): name is ServiceName {
  return Object.hasOwn(DEFINITIONS, name);
}
