import { type Command, Option } from 'commander';
import manifest from '../../../package.json' with { type: 'json' };
import { AssetError, type ErrorCode } from '../../core/errors.ts';
import type { OperationContext } from '../../operations/context.ts';
import { adoptStore } from '../../operations/stores/adopt-store.ts';
import { type DoctorCheck, doctor, failedCheck } from '../../operations/stores/doctor.ts';
import type { Bind, Invocation } from '../command.ts';
import { worstExitCode } from '../exit-codes.ts';
import { checkToJson, renderCheck } from '../output/checks.ts';
import { confirmOrStop } from '../output/confirm.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { createSink } from '../output/sink.ts';

const EXAMPLES = `
Each backend is written to, read, listed, signed for and deleted from, with a probe that is no
asset; a signed URL is fetched as anybody could. Clocks and free space are compared with what
is needed. The exit status is that of the worst finding; warnings leave it at 0.

Examples:
  $ asset-cli doctor
  $ asset-cli doctor --backend reports --json
  $ asset-cli doctor --adopt reports
`;

export function configure(command: Command, bind: Bind): void {
  command
    .option('--adopt <backend>', "take a store over for this catalog: it replaces the store's marker (operators)")
    .addOption(new Option('--yes', 'with --adopt: do not ask'))
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runDoctor);
}

async function runDoctor(invocation: Invocation, options: { adopt?: string; yes?: boolean }): Promise<number> {
  const { output } = invocation;
  const sink = createSink<DoctorCheck>(output, { listName: 'checks', toJson: checkToJson, columns: [] });
  const errors: ErrorCode[] = [];
  const checks = options.adopt === undefined ? examine(invocation) : adopt(invocation, options.adopt, options.yes);
  for await (const check of checks) {
    if (check.status === 'error') errors.push(check.code ?? 'UNEXPECTED');
    await (output.format === 'text' ? output.out.write(renderCheck(check, output.paint)) : sink.add([check]));
  }
  await sink.end();
  return worstExitCode(errors);
}

async function* examine(invocation: Invocation): AsyncGenerator<DoctorCheck> {
  const versions = `asset-cli ${manifest.version}, Node.js ${process.version}, ${process.platform} ${process.arch}`;
  yield { name: 'versions', status: 'ok', message: versions, hint: null };
  let context: OperationContext;
  try {
    context = await invocation.context();
  } catch (error) {
    if (!(error instanceof AssetError)) throw error;
    yield failedCheck('configuration', error);
    return;
  }
  yield { name: 'configuration', status: 'ok', message: await invocation.describeSettings(), hint: null };
  yield* doctor(onlyBackend(context, invocation.globals.backend));
}

/** `--backend` leaves one to examine. */
function onlyBackend(context: OperationContext, name: string | undefined): OperationContext {
  if (name === undefined) return context;
  checkName(context, name);
  const { backends } = context;
  return { ...context, backends: { ...backends, names: [name], open: (each) => backends.open(each) } };
}

async function* adopt(invocation: Invocation, name: string, yes = false): AsyncGenerator<DoctorCheck> {
  const { globals, streams, signal } = invocation;
  const context = await invocation.context();
  checkName(context, name);
  const deed = `Take the store of backend "${name}" over: whatever catalog had it can no longer use it`;
  await confirmOrStop(streams, { yes, input: globals.input !== false }, deed, signal);
  const { sought, found } = await adoptStore(context, name);
  const label = `backend ${name}`;
  yield { name: label, status: 'ok', message: 'taken over: its marker now names this catalog', hint: null };
  if (found < sought) yield missingObjects(label, sought, found);
}

/** An empty directory is taken over as easily as the store that was meant. */
function missingObjects(name: string, sought: number, found: number): DoctorCheck {
  const message = `of ${sought} objects that the catalog has in it, ${found} are there`;
  const hint = 'Is it the right store? Compare all of it with: asset-cli verify';
  return { name, status: 'warning', message, hint };
}

function checkName({ backends }: OperationContext, name: string): void {
  if (backends.names.includes(name)) return;
  throw new AssetError('USAGE', `No backend is called "${name}"`, {
    hint: `There ${backends.names.length === 1 ? 'is' : 'are'} ${backends.names.join(', ')}.`,
  });
}
