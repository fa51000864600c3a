import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Catalog, CatalogStatus } from '../catalog/catalog.ts';
import { decideOnMaintenance } from '../core/access-policy.ts';
import { AssetError } from '../core/errors.ts';
import type { OperationContext } from './context.ts';
import { prepareTarget, writeToFile, writeToStream } from './download/download-target.ts';

export interface RestoredCounts {
  assets: number;
  objects: number;
  auditEvents: number;
}

/**
 * What the catalog is and holds. Opening it has brought its schema up to date.
 * @throws AssetError NOT_PERMITTED
 */
export async function databaseStatus(context: OperationContext): Promise<CatalogStatus> {
  checkPermission(context);
  const catalog = await context.catalog();
  return catalog.maintenance.status();
}

/**
 * Writes a consistent export of the whole catalog (docs/backup-format.md) to a file, which is complete
 * or absent, or down a stream.
 * @throws AssetError NOT_PERMITTED, TARGET_EXISTS without `force`
 */
export async function backUpDatabase(
  context: OperationContext,
  target: { kind: 'stream'; stream: Writable } | { kind: 'file'; path: string; force: boolean },
): Promise<{ lines: number; bytes: number }> {
  checkPermission(context);
  const catalog = await context.catalog();
  await refuseMissing(catalog);
  const written = { lines: 0, bytes: 0 };
  const body = encode(catalog.maintenance.exportLines(), written, context.signal);
  if (target.kind === 'stream') {
    await writeToStream(body, target.stream);
    return written;
  }
  // It tells all that the database does, which nobody else may read.
  const file = { name: '', size: Number.POSITIVE_INFINITY, force: target.force, durable: true, mode: 0o600 };
  prepareTarget(target);
  await writeToFile({ kind: 'file', path: target.path }, file, (write) => write(body));
  return written;
}

async function* encode(
  lines: AsyncIterable<string>,
  written: { lines: number; bytes: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const line of lines) {
    if (signal.aborted) throw new AssetError('INTERRUPTED', 'The backup was stopped; nothing was written');
    const bytes = Buffer.from(`${line}\n`);
    written.lines += 1;
    written.bytes += bytes.length;
    yield bytes;
  }
}

/** A backup of a database that is not there would look like one of a catalog that is empty. */
async function refuseMissing(catalog: Catalog): Promise<void> {
  const { kind, size, location } = await catalog.maintenance.status();
  if (kind !== 'sqlite' || size !== null) return;
  throw new AssetError('DATABASE_UNUSABLE', `There is no database ${location}`, {
    hint: 'Check --database, ASSET_CLI_DATABASE and the configuration.',
  });
}

/**
 * Puts an export into the empty catalog of this context, which gets an id of its own: every backend
 * must be taken over before it is used.
 * @throws AssetError NOT_PERMITTED, USAGE if the catalog is not empty or the export is not one
 */
export async function restoreDatabase(
  context: OperationContext,
  source: { kind: 'stream'; stream: Readable } | { kind: 'file'; path: string },
): Promise<RestoredCounts> {
  checkPermission(context);
  const input = source.kind === 'stream' ? source.stream : await openForReading(source.path);
  const catalog = await context.catalog();
  return catalog.maintenance.importLines(linesOf(input));
}

/** Begins to read when the first line is asked for: what readline reads before that is lost. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

async function openForReading(path: string): Promise<Readable> {
  const input = createReadStream(path);
  await new Promise<void>((resolve, reject) => {
    input.once('open', () => resolve());
    input.once('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT';
      const message = missing ? `There is no file ${path}` : `${path} cannot be read`;
      reject(new AssetError('PATH_NOT_FOUND', message, { hint: 'Check the path and its permissions.', cause }));
    });
  });
  return input;
}

function checkPermission(context: OperationContext): void {
  if (decideOnMaintenance(context.identity, 'administer-database') === 'allow') return;
  throw new AssetError('NOT_PERMITTED', `The role ${context.identity.role} may not administer the database`, {
    hint: 'Act as an operator: --role operator.',
  });
}
