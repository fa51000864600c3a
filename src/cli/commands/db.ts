import type { Command } from 'commander';
import type { CatalogStatus } from '../../catalog/catalog.ts';
import { formatSize } from '../../core/size.ts';
import { backUpDatabase, databaseStatus, restoreDatabase } from '../../operations/database.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { confirmOrStop } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { jsonDocument, jsonLine } from '../output/json.ts';
import { isReaderGone, ReaderGone } from '../output/streams.ts';
import { renderFacts } from '../output/table.ts';

const EXAMPLES = `
Operators only. A backup has the same format from SQLite and from PostgreSQL, so that a team moves
from one to the other with a backup and a restore. A restored catalog has an id of its own:
afterwards take each store over with: asset-cli doctor --adopt <backend>

Examples:
  $ asset-cli db status
  $ asset-cli db backup assets.jsonl
  $ asset-cli --database postgres://db.internal/assets db restore assets.jsonl
`;

type Facts = readonly (readonly [string, string])[];

export function configure(command: Command, bind: Bind): void {
  command.usage('<subcommand> [options]').addHelpText('after', EXAMPLES);
  const reading = { formats: BASE_FORMATS, stopsWithReader: true };
  const changing = { formats: BASE_FORMATS, stopsWithReader: false };
  bind(command.command('migrate').description('bring the schema up to date'), changing, runMigrate);
  bind(command.command('status').description('version, size and what it holds'), reading, runStatus);
  const backup = command
    .command('backup')
    .description('write one consistent export')
    .argument('<file|->', 'where to, or - for standard output')
    .option('--force', 'replace a file that exists');
  bind(backup, reading, runBackup);
  const restore = command
    .command('restore')
    .description('put an export into an empty database')
    .argument('<file|->', 'where from, or - for standard input')
    .option('--yes', 'do not ask');
  bind(restore, changing, runRestore);
}

async function runMigrate(invocation: Invocation): Promise<number> {
  const { kind, location, schemaVersion } = await databaseStatus(await invocation.context());
  const message = `${kind} ${location} is at schema version ${schemaVersion}, the newest that this program knows`;
  return show(invocation, { kind, location, schemaVersion }, [['database', message]]);
}

async function runStatus(invocation: Invocation): Promise<number> {
  const status = await databaseStatus(await invocation.context({ readOnly: true }));
  return show(invocation, status, statusFacts(status));
}

async function runBackup(invocation: Invocation, path: string, options: { force?: boolean }): Promise<number> {
  const { streams } = invocation;
  const context = await invocation.context({ readOnly: true });
  if (path === '-') {
    await backUpDatabase(context, { kind: 'stream', stream: streams.stdout }).catch(orQuietly);
    return EXIT_OK;
  }
  const written = await backUpDatabase(context, { kind: 'file', path, force: options.force === true });
  const size = `${written.lines} lines, ${formatSize(written.bytes)}`;
  return show(invocation, { path, ...written }, [['backup', `${path} (${size})`]]);
}

/** Whoever reads only the beginning has what was wanted. */
function orQuietly(error: unknown): never {
  throw isReaderGone(error) ? new ReaderGone('the reader of the backup is gone') : error;
}

async function runRestore(invocation: Invocation, path: string, options: { yes?: boolean }): Promise<number> {
  const { streams, globals, signal, output } = invocation;
  const context = await invocation.context();
  const { location } = await databaseStatus(context);
  const deed = `Restore ${path} into the database ${location}`;
  await confirmOrStop(streams, { yes: options.yes === true, input: globals.input !== false }, deed, signal);
  const restored = await restoreDatabase(
    context,
    path === '-' ? { kind: 'stream', stream: streams.stdin } : { kind: 'file', path },
  );
  output.note('This catalog has a new id. Take each store over: asset-cli doctor --adopt <backend>');
  const { assets, objects, auditEvents } = restored;
  return show(invocation, restored, [
    ['restored', `${assets} assets, ${objects} objects, ${auditEvents} audit events`],
  ]);
}

async function show({ output }: Invocation, value: object, facts: Facts): Promise<number> {
  if (output.format === 'text') await output.out.write(renderFacts(facts, output.paint));
  else await output.out.write(output.format === 'json' ? jsonDocument(value) : jsonLine(value));
  return EXIT_OK;
}

function statusFacts(status: CatalogStatus): Facts {
  const { pending, deleting } = status.expiredLeases;
  return [
    ['database', `${status.kind} ${status.serverVersion}, ${status.location}`],
    ['catalog id', status.catalogId],
    ['schema version', `${status.schemaVersion} (newest known: ${status.newestVersion})`],
    ['size', status.size === null ? 'unknown' : formatSize(status.size)],
    ['assets', counts(status.assets)],
    ['objects', counts(status.objects)],
    ['originals', `${status.originals} (by which images are recognised)`],
    ['audit events', String(status.auditEvents)],
    ['interrupted', `${pending} uploads, ${deleting} deletes (their leases have run out)`],
  ];
}

function counts(byState: Readonly<Record<string, number>>): string {
  return Object.entries(byState)
    .map(([state, count]) => `${count} ${state.toLowerCase()}`)
    .join(', ');
}
