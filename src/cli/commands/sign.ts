import { type Command, Option } from 'commander';
import { parseDuration } from '../../core/duration.ts';
import { AssetError, type ErrorCode, errorOf } from '../../core/errors.ts';
import { type SignOutcome, type SignRequest, sign } from '../../operations/download/sign.ts';
import type { Bind, Invocation } from '../command.ts';
import { batchExitCode } from '../exit-codes.ts';
import { parsedBy } from '../options/values.ts';
import { renderError } from '../output/errors.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { jsonDocument, jsonLine } from '../output/json.ts';

interface SignOptions {
  expiresIn?: number;
  downloadAs?: string;
  inline?: boolean;
  cdn: boolean;
}

type Signed = Extract<SignOutcome, { kind: 'signed' }>;

const EXAMPLES = `
The URL works without any credentials until it ends, and no longer than the asset and the
credentials that signed it. Who signed is in the audit trail before the URL is printed. Of a
public asset behind cdn.domain it is the CDN's, which has no end and no name of its own: each
of the options asks for a signed one.

Examples:
  $ asset-cli sign 1f0c2a9b
  $ asset-cli sign 1f0c2a9b --expires-in 15m --download-as report.pdf
  $ curl -o report.pdf "$(asset-cli sign 1f0c2a9b)"
`;

export function configure(command: Command, bind: Bind): void {
  command
    .argument('<id...>', 'ids, or their first 8 or more characters')
    .addOption(
      new Option('--expires-in <duration>', 'how long it works, at most 7d (default: 1h)').argParser(
        parsedBy(parseDuration),
      ),
    )
    .option('--download-as <name>', 'the name that a browser saves it under (default: the original file name)')
    .option('--inline', 'let a browser show it instead of saving it')
    .option('--no-cdn', 'a signed URL of a public asset, too')
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runSign);
}

async function runSign(invocation: Invocation, ids: readonly string[], options: SignOptions): Promise<number> {
  if (options.downloadAs !== undefined && ids.length > 1) {
    throw new AssetError('USAGE', '--download-as is for a single asset', { hint: 'Sign them one by one.' });
  }
  const { output } = invocation;
  const failures: ErrorCode[] = [];
  const signed: object[] = [];
  for await (const outcome of sign(await invocation.context(), toRequest(ids, options))) {
    if (outcome.kind === 'failed') {
      failures.push(outcome.failure.code);
      await reportFailure(invocation, outcome);
      continue;
    }
    if (outcome.contentEncoding !== null) output.warn(codedAnswer(outcome));
    if (output.format === 'json') signed.push(toJson(outcome));
    else await output.out.write(output.format === 'jsonl' ? jsonLine(toJson(outcome)) : `${outcome.url}\n`);
  }
  const document = ids.length === 1 ? signed[0] : signed;
  if (output.format === 'json' && document !== undefined) await output.out.write(jsonDocument(document));
  return batchExitCode(ids.length, failures);
}

function toRequest(ids: readonly string[], { expiresIn, downloadAs, inline, cdn }: SignOptions): SignRequest {
  return {
    ids,
    inline: inline === true,
    noCdn: !cdn,
    warnsOfSilence: true,
    ...(expiresIn === undefined ? {} : { expiresIn: Math.floor(expiresIn / 1000) }),
    ...(downloadAs === undefined ? {} : { downloadAs }),
  };
}

function codedAnswer({ id, contentEncoding }: Signed): string {
  return `the URL of ${id} answers with Content-Encoding: ${contentEncoding}; curl needs --compressed`;
}

async function reportFailure(
  { output }: Invocation,
  { failure }: Extract<SignOutcome, { kind: 'failed' }>,
): Promise<void> {
  const view = { json: output.format !== 'text', verbose: output.verbose, paint: output.paintError };
  await output.err.write(renderError(errorOf(failure), view));
}

function toJson({ id, url, expiresAt, contentEncoding }: Signed): object {
  return { id, url, expiresAt, contentEncoding };
}
