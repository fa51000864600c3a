import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobServiceClient, RestError } from '@azure/storage-blob';
import type { AzureService } from './services/definitions.ts';

export interface PullingAzure {
  connectionString: string;
  requests(): { method: string; path: string; bytes: number; pulls: boolean }[];
  /** The blobs that it was asked to fetch, each once: one whose answer took too long is asked for again. */
  fetched(): string[];
  /** Knows as little of this as Azurite. */
  pullNothing(): void;
  /** Leaves out of its answers what it computed. */
  concealMd5(): void;
  /** Says of each pull that it takes too long, and carries it out once the returned function is called. */
  hold(): () => Promise<void>;
  /** Carries out pulls as ever, but answers the first one only to a connection that is gone. */
  loseFirstAnswer(): void;
  /** One byte of what it fetches is another. */
  corrupt(): void;
  close(): Promise<void>;
}

/**
 * A double, because no emulator knows Put Blob From URL: a server in front of a real Azurite that carries it out as the
 * service's reference tells, fetches by itself, compares x-ms-source-content-md5, and puts the bytes into Azurite.
 */
export async function startPullingAzure(azure: AzureService): Promise<PullingAzure> {
  const { hostname, port } = new URL(azure.url);
  const client = BlobServiceClient.fromConnectionString(azure.connectionString);
  const seen: { method: string; path: string; bytes: number; pulls: boolean }[] = [];
  let tellsMd5 = true;
  let corrupts = false;
  let isAble = true;
  let held: Promise<void> | undefined;
  let losesAnswer = false;
  const pulling = new Set<Promise<void>>();

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url: path, headers } = incoming;
    const upstream = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => incoming.socket.destroy());
    incoming.pipe(upstream);
  }

  async function pull({ headers, url = '' }: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (held !== undefined) {
      // Nobody waits until then.
      refuse(outgoing, 500, 'OperationTimedOut', { 'retry-after': '3600' });
      await held;
    }
    const source = await fetch(String(headers['x-ms-copy-source']));
    if (!source.ok) return refuse(outgoing, source.status, 'CannotVerifyCopySource');
    const bytes = Buffer.from(await source.arrayBuffer());
    if (corrupts) bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    const md5 = createHash('md5').update(bytes).digest();
    if (headers['x-ms-source-content-md5'] !== md5.toString('base64')) return refuse(outgoing, 400, 'Md5Mismatch');
    const [, container = '', ...name] = new URL(url, 'http://localhost').pathname.slice(1).split('/');
    const blob = client.getContainerClient(container).getBlockBlobClient(decodeURIComponent(name.join('/')));
    const put = await blob.upload(bytes, bytes.byteLength, {
      conditions: headers['if-none-match'] === '*' ? { ifNoneMatch: '*' } : {},
      blobHTTPHeaders: { blobContentType: String(headers['x-ms-blob-content-type']), blobContentMD5: md5 },
    });
    if (losesAnswer) {
      losesAnswer = false;
      outgoing.destroy();
      return;
    }
    if (outgoing.headersSent) return;
    outgoing.writeHead(201, {
      etag: put.etag ?? '',
      'last-modified': put.lastModified?.toUTCString() ?? '',
      ...(tellsMd5 ? { 'content-md5': md5.toString('base64') } : {}),
    });
    outgoing.end();
  }

  const server = createServer((incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming;
    const pulls = headers['x-ms-copy-source'] !== undefined && headers['x-ms-blob-type'] !== undefined;
    seen.push({ method, path, bytes: Number(headers['content-length'] ?? 0), pulls });
    if (!pulls || !isAble) return forward(incoming, outgoing);
    const work = pull(incoming, outgoing).catch((error: unknown) => {
      if (error instanceof RestError) refuse(outgoing, error.statusCode ?? 500, error.code ?? '');
      else outgoing.destroy();
    });
    pulling.add(work);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    connectionString: azure.connectionString.replace(new URL(azure.url).origin, origin),
    requests: () => seen,
    fetched: () => [...new Set(seen.flatMap(({ pulls, path }) => (pulls ? path : [])))],
    hold() {
      const gate = new AbortController();
      held = once(gate.signal, 'abort').then(() => undefined);
      return async () => {
        gate.abort();
        await Promise.all(pulling);
      };
    },
    loseFirstAnswer() {
      losesAnswer = true;
    },
    pullNothing() {
      isAble = false;
    },
    concealMd5() {
      tellsMd5 = false;
    },
    corrupt() {
      corrupts = true;
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function refuse(outgoing: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  if (outgoing.headersSent) return;
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  outgoing.writeHead(status, { ...headers, 'x-ms-error-code': code, 'content-type': 'application/xml' }).end(body);
}
