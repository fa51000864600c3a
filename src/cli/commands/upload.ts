import { type Command, Option } from 'commander';
import { BUILT_IN_ASSET_TYPES, DEFAULT_ASSET_TYPE } from '../../core/asset.ts';
import { AssetError } from '../../core/errors.ts';
import { checkId } from '../../core/identity.ts';
import type { OperationContext } from '../../operations/context.ts';
import { checkAssetType } from '../../operations/upload/check-asset-type.ts';
import { planUpload } from '../../operations/upload/plan-upload.ts';
import { upload } from '../../operations/upload/upload.ts';
import { generatedName } from '../../operations/upload/upload-prepare.ts';
import type { UploadRequest } from '../../operations/upload/upload-request.ts';
import { findSources, type UploadSource } from '../../operations/upload/upload-sources.ts';
import type { Bind, Invocation } from '../command.ts';
import { withFlatMemory } from '../flat-memory.ts';
import { addExpiryOptions, type ExpiryOptions, toExpiry } from '../options/expiry.ts';
import { collectTag, collectText, parsedBy, suggest, wholeNumber } from '../options/values.ts';
import { BASE_FORMATS } from '../output/format.ts';
import { reportPlan, reportUploads } from '../output/uploads.ts';

interface UploadOptions extends ExpiryOptions {
  type: string;
  name?: string;
  project?: string;
  scanResult?: string;
  public?: boolean;
  tag?: Record<string, string>;
  include?: string[];
  exclude?: string[];
  skipExisting?: boolean;
  /** false: --no-optimize */
  optimize: boolean;
  /** false: --no-compress */
  compress: boolean;
  concurrency?: number;
  dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  $ asset-cli upload report.pdf --type SEO_REPORT --tag run=42
  $ asset-cli upload reports/ --include '*.pdf' --exclude 'draft-*' --skip-existing
  $ generate-report | asset-cli upload - --name report.csv --json
  $ asset-cli upload reports/ --dry-run
  $ asset-cli upload export.csv --type EXPORT_FILE --expires-in 30d
`;

export function configure(command: Command, bind: Bind): void {
  command
    .argument('<path...>', 'files, directories (with all that is in them), or - for standard input')
    .addOption(suggest(new Option('--type <type>', 'asset type').default(DEFAULT_ASSET_TYPE), BUILT_IN_ASSET_TYPES))
    .option('--name <name>', 'original file name, for a single source')
    .option(
      '--project <id>',
      'project that it belongs to',
      parsedBy((id) => checkId('project', id)),
    )
    .option('--scan-result <id>', 'scan result that it belongs to')
    .option('--public', 'readable by everyone, stored behind public/')
    .option('--tag <key=value>', 'repeatable', collectTag)
    .option('--include <glob>', 'in directories: only these; repeatable', collectText)
    .option('--exclude <glob>', 'in directories: not these; repeatable', collectText)
    .option('--skip-existing', 'give your own asset of the same type, project, name and content instead of adding one')
    .option('--no-optimize', 'store images as they came')
    .option('--no-compress', 'store text as it came')
    .option('--concurrency <n>', 'files that are worked on at once (default: as suits the store)', wholeNumber(1))
    .option('--dry-run', 'show what would be stored or refused, and write nothing');
  addExpiryOptions(command).addHelpText('after', EXAMPLES);
  bind(command, { formats: BASE_FORMATS, stopsWithReader: false }, runUpload);
}

async function runUpload(invocation: Invocation, paths: readonly string[], options: UploadOptions): Promise<number> {
  const context = await invocation.context({ stores: true, readOnly: options.dryRun === true });
  const request = toRequest(context, invocation, paths, options);
  if (options.dryRun === true) return reportPlan(invocation, planUpload(context, request));
  return reportUploads(invocation, upload(context, request));
}

function toRequest(
  context: OperationContext,
  { streams }: Invocation,
  paths: readonly string[],
  options: UploadOptions,
): UploadRequest {
  checkSources(paths, options);
  const expiry = toExpiry(options);
  return {
    sources: withFlatMemory(sources(context, paths, options)),
    standardInput: streams.stdin,
    backend: context.backends.defaultName,
    assetType: checkAssetType(context, options.type),
    projectId: options.project ?? null,
    scanResultId: options.scanResult ?? null,
    isPublic: options.public === true,
    tags: options.tag ?? {},
    skipExisting: options.skipExisting === true,
    optimize: options.optimize,
    compress: options.compress,
    ...(expiry === undefined ? {} : { expiry }),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
  };
}

function checkSources(paths: readonly string[], { name }: UploadOptions): void {
  if (name !== undefined && paths.length > 1) {
    throw new AssetError('USAGE', '--name is for a single source', { hint: 'Leave it out, or upload one by one.' });
  }
  if (paths.filter((path) => path === '-').length > 1) {
    throw new AssetError('USAGE', 'Standard input can be read once', { hint: 'Give - only once.' });
  }
}

async function* sources(
  { warn }: OperationContext,
  paths: readonly string[],
  options: UploadOptions,
): AsyncGenerator<UploadSource> {
  const { name, include = [], exclude = [] } = options;
  const found = name === undefined ? { include, exclude, warn } : { include, exclude, warn, name };
  for (const path of paths) {
    if (path === '-') yield standardInput(options);
    else yield* findSources([path], found);
  }
}

function standardInput({ name, type }: UploadOptions): UploadSource {
  const source = { label: '-', path: '-' };
  if (name !== undefined) return { ...source, name };
  return { ...source, name: generatedName(type, new Date()), isNameGenerated: true };
}
