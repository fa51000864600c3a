import type { Command } from 'commander';
import { parseTime } from '../../core/calendar.ts';
import { type AuditRequest, auditTrail } from '../../operations/assets/audit-trail.ts';
import type { Bind, Invocation } from '../command.ts';
import { EXIT_OK } from '../exit-codes.ts';
import { parsedBy, wholeNumber } from '../options/values.ts';
import { EVENT_SHAPE } from '../output/events.ts';
import { TABULAR_FORMATS } from '../output/format.ts';
import { createSink } from '../output/sink.ts';

interface AuditOptions {
  since?: string;
  until?: string;
  action?: string;
  actor?: string;
  limit?: number;
  after?: string;
  allOrgs?: boolean;
}

const EXAMPLES = `
A member sees its own assets and deeds, an admin its organisation, an operator any.

Examples:
  $ asset-cli audit 1f0c2a9b
  $ asset-cli audit --since 2026-01-01 --action deleted --format csv > deletions.csv
  $ asset-cli audit --actor ci --json | jq '.events[].details'
`;

export function configure(command: Command, bind: Bind): void {
  const time = parsedBy(parseTime);
  command
    .argument('[id]', 'only what happened to this asset; its whole id still works when it is gone')
    .option('--since <time>', 'from this time on', time)
    .option('--until <time>', 'before this time', time)
    .option('--action <action>', 'only this action, such as uploaded, downloaded or deleted')
    .option('--actor <user>', 'only what this user did')
    .option('--limit <n>', 'at most so many', wholeNumber(1))
    .option('--after <cursor>', 'the page after the one that ended with this nextCursor')
    .option('--all-orgs', 'every organisation (operators)')
    .addHelpText('after', EXAMPLES);
  bind(command, { formats: TABULAR_FORMATS, stopsWithReader: true }, runAudit);
}

async function runAudit(invocation: Invocation, id: string | undefined, options: AuditOptions): Promise<number> {
  const context = await invocation.context({ readOnly: true });
  const sink = createSink(invocation.output, EVENT_SHAPE);
  let nextCursor: string | null = null;
  for await (const page of auditTrail(context, toRequest(id, options))) {
    await sink.add(page.events);
    ({ nextCursor } = page);
  }
  await sink.end({ nextCursor });
  return EXIT_OK;
}

function toRequest(id: string | undefined, options: AuditOptions): AuditRequest {
  const { since, until, action, actor, limit, after } = options;
  return {
    ...(id === undefined ? {} : { assetId: id }),
    filter: {
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(action === undefined ? {} : { action }),
      ...(actor === undefined ? {} : { actor }),
    },
    allOrganizations: options.allOrgs === true,
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { after }),
  };
}
