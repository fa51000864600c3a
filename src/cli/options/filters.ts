import { type Command, Option } from 'commander';
import type { AssetFilter } from '../../catalog/catalog.ts';
import {
  ASSET_STATUSES,
  ASSET_TYPE_PATTERN,
  type AssetStatus,
  BUILT_IN_ASSET_TYPES,
  SCAN_STATUSES,
  type ScanStatus,
} from '../../core/asset.ts';
import { parseTime } from '../../core/calendar.ts';
import { AssetError } from '../../core/errors.ts';
import { checkId } from '../../core/identity.ts';
import { suggest as suggestion } from '../../core/nearest.ts';
import { parseSize } from '../../core/size.ts';
import type { OperationContext } from '../../operations/context.ts';
import type { GlobalOptions } from '../globals.ts';
import { collectTag, parsedBy, suggest } from './values.ts';

/** The filters of `list`, the same wherever a command selects assets. */
export interface FilterOptions {
  type?: string;
  project?: string;
  user?: string;
  status?: AssetStatus | 'any';
  scanStatus?: ScanStatus;
  name?: string;
  tag?: Record<string, string>;
  public?: boolean;
  expired?: boolean;
  expiresBefore?: string;
  createdAfter?: string;
  createdBefore?: string;
  minSize?: number;
  maxSize?: number;
}

const GROUP = 'Filters (they combine with AND; -b, --backend is one too):';

export function addFilterOptions(command: Command): Command {
  const time = parsedBy(parseTime);
  const size = parsedBy(parseSize);
  const options = [
    suggest(new Option('--type <type>', 'asset type').argParser(parsedBy(checkAssetType)), BUILT_IN_ASSET_TYPES),
    new Option('--project <id>', 'project').argParser(parsedBy((id) => checkId('project', id))),
    new Option('--user <id>', 'owner').argParser(parsedBy((id) => checkId('user', id))),
    new Option('--status <status>', 'default: active; with --scan-status INFECTED any').choices([
      ...ASSET_STATUSES,
      'any',
    ]),
    new Option('--scan-status <status>', 'verdict of the virus scan').choices(SCAN_STATUSES),
    new Option('--name <glob>', 'original file name: *, ? and […]'),
    new Option('--tag <key=value>', 'repeatable: all of them').argParser(collectTag),
    new Option('--public', 'public assets'),
    new Option('--no-public', 'private assets'),
    new Option('--expired', 'expired assets instead of unexpired ones'),
    new Option('--expires-before <time>', 'expires before').argParser(time),
    new Option('--created-after <time>', 'created after').argParser(time),
    new Option('--created-before <time>', 'created before').argParser(time),
    new Option('--min-size <size>', 'at least so large').argParser(size),
    new Option('--max-size <size>', 'at most so large').argParser(size),
  ];
  for (const option of options) command.addOption(option.helpGroup(GROUP));
  return command;
}

export function checkAssetType(text: string): string {
  if (ASSET_TYPE_PATTERN.test(text)) return text;
  throw new AssetError('USAGE', `"${text}" is not an asset type`, { hint: 'Types look like SEO_REPORT.' });
}

/** What there is to name, and who is told that a name is unknown. */
type Names = Pick<OperationContext, 'assetTypes' | 'backends' | 'warn'>;

/** Infected assets are in quarantine, so that none would be found among the active ones. */
const ANYWHERE = 'any' as const;

/** What the options ask for. `--backend` filters only as a flag, never from the environment or a file. */
export function toFilter(options: FilterOptions, globals: Pick<GlobalOptions, 'backend'>, context: Names): AssetFilter {
  warnOfUnknownType(options.type, context);
  warnOfUnknown(globals.backend, 'backend', context.backends.names, context);
  const wanted = {
    assetType: options.type,
    projectId: options.project,
    userId: options.user,
    backend: globals.backend,
    status: options.status ?? (options.scanStatus === 'INFECTED' ? ANYWHERE : undefined),
    scanStatus: options.scanStatus,
    nameGlob: options.name,
    tags: options.tag,
    isPublic: options.public,
    expired: options.expired === true ? ('only' as const) : undefined,
    expiresBefore: options.expiresBefore,
    createdAfter: options.createdAfter,
    createdBefore: options.createdBefore,
    minSize: options.minSize,
    maxSize: options.maxSize,
  };
  return withoutUndefined(wanted);
}

export function warnOfUnknownType(name: string | undefined, context: Pick<Names, 'assetTypes' | 'warn'>): void {
  warnOfUnknown(name, 'asset type', context.assetTypes, context);
}

/** A misspelt name matches nothing, which looks like an answer; one of earlier days may still be meant. */
function warnOfUnknown(
  name: string | undefined,
  what: string,
  known: readonly string[],
  { warn }: Pick<Names, 'warn'>,
): void {
  if (name === undefined || known.includes(name)) return;
  warn(`no ${what} is called "${name}". ${suggestion(name, known)}`);
}

/** Leaves out what is undefined, as exact optional properties want it. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
