import { type Command, Option } from 'commander';
import type { TokenRecord } from '../../catalog/catalog.ts';
import { parseDuration } from '../../core/duration.ts';
import { toFailure } from '../../core/errors.ts';
import { ROLES, type Role } from '../../core/identity.ts';
import { parseTokenScope, type TokenScope } from '../../core/token.ts';
import { createToken, listTokens, revokeTokens, type TokenRequest } from '../../operations/tokens/tokens.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { parsedBy } from '../options/values.ts';
import { startBatch } from '../output/batch.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { jsonDocument, jsonLine } from '../output/json.ts';
import { createSink } from '../output/sink.ts';
import { TOKEN_SHAPE } from '../output/tokens.ts';

interface CreateOptions {
  forUser?: string;
  forOrg?: string;
  forRole: Role;
  scope: TokenScope[];
  expiresIn: number;
  name?: string;
}

const DEFAULT_LIFE = '90d';
const DEFAULT_SCOPE = 'read,write';
const NOBODY = '-';

const EXAMPLES = `
A member makes tokens for itself, an admin for its organisation, an operator for anyone. The token is
shown once; the catalog has only its hash. A revoked one is refused from the next request on.

Examples:
  $ asset-cli token create --name ci --scope read --expires-in 30d
  $ asset-cli token create --for-user ada --for-org acme --for-role admin
  $ asset-cli token list
  $ asset-cli token revoke 1f0c2a9b
`;

export function configure(command: Command, bind: Bind): void {
  command.usage('<subcommand> [options]').addHelpText('after', EXAMPLES);
  const create = command
    .command('create')
    .description('print a new token, this once')
    .option('--for-user <user>', 'who acts with it (default: you); - for nobody')
    .option('--for-org <organization>', 'in which organisation (default: yours)')
    .addOption(new Option('--for-role <role>', 'with which rights').choices(ROLES).default('member'))
    .addOption(
      new Option('--scope <scope>', 'what it is for: read, write or both')
        .argParser(parsedBy(parseTokenScope))
        .default(parseTokenScope(DEFAULT_SCOPE), DEFAULT_SCOPE),
    )
    .addOption(
      new Option('--expires-in <duration>', 'how long it works')
        .argParser(parsedBy(parseDuration))
        .default(parseDuration(DEFAULT_LIFE), DEFAULT_LIFE),
    )
    .option('--name <name>', 'what it is for, in your words');
  bind(create, { formats: BASE_FORMATS, stopsWithReader: false }, runCreate);
  const list = command
    .command('list')
    .description('who may act by which token, and when each was last used')
    .option('--all-orgs', 'every organisation (operators)');
  bind(list, { formats: BASE_FORMATS, stopsWithReader: true }, runList);
  const revoke = command
    .command('revoke')
    .description('end tokens for good')
    .argument('<id...>', 'ids, or their first 8 or more characters');
  bind(revoke, { formats: BASE_FORMATS, stopsWithReader: false }, runRevoke);
}

async function runCreate(invocation: Invocation, options: CreateOptions): Promise<number> {
  const { output } = invocation;
  const { token, secret } = await createToken(await invocation.context(), toRequest(options));
  if (output.format === 'text') {
    await output.out.write(`${secret}\n`);
    output.note(`${describe(token)}. It is not shown again.`);
    return EXIT_OK;
  }
  const { id, userId, organizationId, role, scope, expiresAt } = token;
  const value = { id, token: secret, userId, organizationId, role, scope, expiresAt };
  await output.out.write(output.format === 'json' ? jsonDocument(value) : jsonLine(value));
  return EXIT_OK;
}

function describe({ id, userId, organizationId, role, expiresAt }: TokenRecord): string {
  return `Token ${id} acts as ${role} ${userId ?? 'nobody'} of ${organizationId} until ${expiresAt}`;
}

function toRequest({ forUser, forOrg, forRole, scope, expiresIn, name }: CreateOptions): TokenRequest {
  return {
    ...(forUser === undefined ? {} : { user: forUser === NOBODY ? null : forUser }),
    ...(forOrg === undefined ? {} : { organization: forOrg }),
    role: forRole,
    scope,
    expiresInSeconds: Math.floor(expiresIn / 1000),
    name: name ?? null,
  };
}

async function runList(invocation: Invocation, options: { allOrgs?: boolean }): Promise<number> {
  const context = await invocation.context({ readOnly: true });
  const sink = createSink(invocation.output, TOKEN_SHAPE);
  await sink.add(await listTokens(context, { allOrganizations: options.allOrgs === true }));
  await sink.end();
  return EXIT_OK;
}

async function runRevoke(invocation: Invocation, ids: readonly string[]): Promise<number> {
  const sink = createSink(invocation.output, TOKEN_SHAPE);
  const batch = startBatch(invocation.output);
  let revoked = 0;
  for await (const outcome of revokeTokens(await invocation.context(), ids)) {
    if (outcome.kind === 'revoked') {
      revoked += 1;
      batch.succeeded();
      await sink.add([outcome.token]);
      continue;
    }
    const failure = toFailure(outcome.error);
    batch.failed(failure);
    await sink.fail(outcome.id, { id: outcome.id }, failure);
  }
  await sink.end({ summary: { revoked, failed: batch.failures } });
  return batch.end();
}
