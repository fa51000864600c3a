import { connect } from 'node:net';
import autocannon from 'autocannon';

export interface Load {
  connections: number;
  seconds: number;
}

/** Node accepts one connection a turn of its loop: of hundreds that come at once, the last is long in coming. */
const PATIENCE_SECONDS = 30;

/** Seconds for each thousand answers, all of which must be what was asked for. */
export async function secondsPerThousand(
  load: Load,
  request: { url: string; token?: string; expected: number; body?: () => Buffer; boundary?: string },
): Promise<number> {
  const { url, token, expected, body, boundary } = request;
  const result = await autocannon({
    url,
    connections: load.connections,
    duration: load.seconds,
    timeout: PATIENCE_SECONDS,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(boundary === undefined ? {} : { 'content-type': `multipart/form-data; boundary=${boundary}` }),
    },
    ...(body === undefined
      ? {}
      : { method: 'POST', requests: [{ setupRequest: (each) => ({ ...each, body: body() }) }] }),
  });
  const answered = answersOf(result, expected);
  const others = Object.keys(result.statusCodeStats ?? {}).filter((status) => status !== String(expected));
  if (result.errors > 0 || others.length > 0 || answered === 0) {
    throw new Error(
      `${answered} answers, ${result.errors} errors (${result.timeouts} timeouts), also ${others.join(', ')}`,
    );
  }
  return (1000 * result.duration) / answered;
}

function answersOf({ statusCodeStats = {} }: autocannon.Result, status: number): number {
  const [, stats] = Object.entries(statusCodeStats).find(([code]) => code === String(status)) ?? [];
  return stats?.count ?? 0;
}

/** Seconds until all of one answer has come, by a client that does nothing with it. */
export function secondsToFetch(url: string): Promise<number> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const socket = connect(Number(port), hostname);
    let expected: number | undefined;
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (expected === undefined) {
        const head = chunk.toString('latin1');
        const length = /^content-length: (\d+)/im.exec(head)?.[1];
        const end = head.indexOf('\r\n\r\n');
        if (!/^HTTP\/1\.1 200 /.test(head) || length === undefined || end === -1) reject(new Error(head.slice(0, 300)));
        expected = end + 4 + Number(length);
      }
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (received === expected) resolve((performance.now() - began) / 1000);
      else reject(new Error(`${received} of ${expected} bytes came`));
    });
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
  });
}

export const BOUNDARY = 'bench-boundary-0123456789';

/** A form with a text file of this size, another content each time. */
export function formsOf(fileBytes: number): () => Buffer {
  let count = 0;
  const head = Buffer.from(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="report.txt"\r\nContent-Type: text/plain\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
  const filler = Buffer.from('what a report says, line after line\n'.repeat(Math.ceil(fileBytes / 36)));
  return () => {
    count += 1;
    const line = Buffer.from(`${process.pid} ${count} ${performance.now()}\n`);
    return Buffer.concat([head, line, filler.subarray(0, Math.max(0, fileBytes - line.length)), tail]);
  };
}
