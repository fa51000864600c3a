import { AssetError } from '../../core/errors.ts';
import { makeDirectories } from '../../core/make-directories.ts';
import { checkCandidate, checkDatabase, type DoctorCheck, failedCheck } from '../../operations/stores/doctor.ts';
import { CONNECTION_VARIABLE, type ConfigDraft, type Setup, type StoreDraft } from '../context/setup.ts';
import type { DatabaseAnswer } from './ask-database.ts';

/** Tests an answer at once; findings are yielded as they are made, an error among them if it will not do. */
export type TryOut<Answer> = (answer: Answer) => AsyncGenerator<DoctorCheck>;

export function tryDatabase(setup: Setup, path: string): TryOut<DatabaseAnswer> {
  return async function* (database) {
    const { context } = await tryOut(setup, path, { database: database.url, store: undefined }, database);
    yield* checkDatabase(context);
  };
}

export function tryStore(setup: Setup, path: string, database: DatabaseAnswer): TryOut<StoreDraft> {
  return async function* (store) {
    const { context, directory } = await tryOut(setup, path, { database: database.url, store }, database);
    // Later, only the first marking of a store makes its directory; here nothing is marked yet.
    if (directory !== undefined) makeDirectory(directory);
    yield* checkCandidate(context, store.name);
  };
}

function tryOut(setup: Setup, path: string, draft: ConfigDraft, database: DatabaseAnswer) {
  return setup.tryOut({ path, text: setup.render(draft) }, environmentFor(setup, draft.store, database));
}

/** As it will be once the user has exported what `variablesToSet` names. */
function environmentFor(setup: Setup, store: StoreDraft | undefined, { password }: DatabaseAnswer) {
  const { environment } = setup;
  const connection = environment[CONNECTION_VARIABLE] ?? environment['AZURE_STORAGE_CONNECTION_STRING'];
  return {
    ...environment,
    ...(store?.usesConnectionString === true ? { [CONNECTION_VARIABLE]: connection } : {}),
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
}

/** What the next commands need in their environment and do not find there yet, as shell words. */
export function variablesToSet(setup: Setup, store: StoreDraft, { password }: DatabaseAnswer): string[] {
  const { environment } = setup;
  const needsConnection = store.usesConnectionString === true && environment[CONNECTION_VARIABLE] === undefined;
  return [
    ...(needsConnection ? [`${CONNECTION_VARIABLE}="$AZURE_STORAGE_CONNECTION_STRING"`] : []),
    ...(password === undefined || environment['PGPASSWORD'] === password ? [] : ["PGPASSWORD='<the password>'"]),
  ];
}

function makeDirectory(path: string): void {
  try {
    makeDirectories(path, 0o700);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new AssetError('PATH_NOT_FOUND', `The directory ${path} cannot be made (${code})`, {
      hint: 'Name one that you can write.',
      cause: error,
    });
  }
}

export interface Asker<Answer> {
  signal: AbortSignal;
  ask(earlier: Answer | undefined): Promise<Answer>;
  tryOut: TryOut<Answer>;
  show(check: DoctorCheck): Promise<void>;
  /** After a finding that will not do; false ends it. */
  again(): Promise<boolean>;
}

export interface Settled<Answer> {
  answer: Answer;
  checks: DoctorCheck[];
}

/**
 * Asks until an answer passes its test.
 * @throws AssetError with the code of the first finding that will not do, if nobody answers again; INTERRUPTED
 */
export async function settle<Answer>(asker: Asker<Answer>): Promise<Settled<Answer>> {
  let earlier: Answer | undefined;
  for (;;) {
    const answer = await asker.ask(earlier);
    const checks: DoctorCheck[] = [];
    for await (const check of findings(asker.tryOut, answer)) {
      checks.push(check);
      await asker.show(check);
    }
    // A test that was broken off has found nothing, which is no pass.
    asker.signal.throwIfAborted();
    const failed = checks.find(({ status }) => status === 'error');
    if (failed === undefined) return { answer, checks };
    if (!(await asker.again())) throw asError(failed);
    earlier = answer;
  }
}

async function* findings<Answer>(tryOut: TryOut<Answer>, answer: Answer): AsyncGenerator<DoctorCheck> {
  try {
    yield* tryOut(answer);
  } catch (error) {
    if (!(error instanceof AssetError)) throw error;
    yield failedCheck('configuration', error);
  }
}

function asError({ name, message, hint, code = 'UNEXPECTED' }: DoctorCheck): AssetError {
  return new AssetError(code, `${name}: ${message}`, hint === null ? {} : { hint });
}
