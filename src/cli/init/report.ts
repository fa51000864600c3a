import { redactUrl } from '../../core/redact.ts';
import { escapeForTerminal } from '../../core/terminal-text.ts';
import type { Setup, StoreDraft } from '../context/setup.ts';
import { checkToJson } from '../output/checks.ts';
import { jsonDocument, jsonLine } from '../output/json.ts';
import type { Output } from '../output/output.ts';
import type { DatabaseAnswer } from './ask-database.ts';
import type { Target } from './target.ts';
import { type Settled, variablesToSet } from './try-out.ts';

interface Result {
  target: Target;
  database: Settled<DatabaseAnswer>;
  store: Settled<StoreDraft>;
}

/** What was written, what the environment has to hold, and what to do next. */
export async function reportInit(output: Output, setup: Setup, { target, database, store }: Result): Promise<void> {
  const environment = variablesToSet(setup, store.answer, database.answer);
  const next = nextCommands(target);
  if (output.format === 'text') {
    const lines = [
      `Wrote ${target.path}`,
      ...(environment.length === 0 ? [] : ['', 'The next commands need in their environment:']),
      ...environment.map((assignment) => `  export ${assignment}`),
      '',
      'Next:',
      ...next.map((command) => `  ${command}`),
    ];
    await output.out.write(`${lines.map(escapeForTerminal).join('\n')}\n`);
    return;
  }
  const value = {
    path: target.path,
    replaced: target.replaces,
    database: database.answer.url === undefined ? null : redactUrl(database.answer.url),
    backend: store.answer.name,
    provider: store.answer.provider,
    checks: [...database.checks, ...store.checks].map(checkToJson),
    environment,
    next,
  };
  await output.out.write(output.format === 'json' ? jsonDocument(value) : jsonLine(value));
}

function nextCommands({ path, isFoundByItself }: Target): string[] {
  const program = isFoundByItself ? 'asset-cli' : `asset-cli --config ${shellWord(path)}`;
  return [`${program} doctor`, `${program} upload <file>`, `${program} list`];
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
