import { AssetError } from '../../core/errors.ts';
import { once } from '../../core/once.ts';
import type { OperationContext } from '../context.ts';
import { createGroups, type Groups } from '../groups.ts';
import { openOwnStore } from '../stores/own-store.ts';
import { readOptions } from './read-options.ts';
import { upload } from './upload.ts';
import { storeOwned } from './upload-group.ts';
import { prepare } from './upload-prepare.ts';
import { recordRefusals } from './upload-refusals.ts';
import { failed, type OwnedFile, type PreparedFile, type UploadOutcome, type UploadRequest } from './upload-request.ts';
import { type Known, knownVerdicts, refuseKnown, scanFiles, startScans } from './upload-scan.ts';
import type { UploadSource } from './upload-sources.ts';

/** Fewer than in a bulk upload (upload-prepare.ts): while rows are written nobody else is answered. */
const GROUP_FILES = 250;
/** While one waits for the disk the next is received. */
const GROUPS_AT_ONCE = 2;
const SCANS_AT_ONCE = 1;
/** Less than a commit takes. */
const LINGERING = { milliseconds: 5 };

/** Single uploads of many people, as a server gets them. */
export interface SharedUploads {
  /** The outcome comes after its commit. */
  upload(
    context: OperationContext,
    request: Omit<UploadRequest, 'sources'>,
    source: UploadSource,
  ): Promise<UploadOutcome>;
}

/**
 * Stores small files that come at the same time together, which costs each a part of two commits instead of two of its
 * own. Every file keeps its own identity and run in the catalog and the audit trail. `base` holds the leases.
 */
export function shareUploads(base: OperationContext): SharedUploads {
  const scans = startScans(true);
  const verdicts = createGroups(GROUP_FILES, lookUpVerdicts, { lingering: LINGERING });
  const stores = new Map<string, Groups<OwnedFile, UploadOutcome>>();

  function storesOf(backend: string, concurrency: number): Groups<OwnedFile, UploadOutcome> {
    const known = stores.get(backend);
    if (known !== undefined) return known;
    const store = async (files: readonly OwnedFile[]) => {
      const outcomes = await storeOwned(base, { backend, concurrency }, files);
      return files.map(({ source }) => outcomes.get(source) ?? failed(source, new Error('it was not stored')));
    };
    const fresh = createGroups(GROUP_FILES, store, { lingering: LINGERING, atOnce: GROUPS_AT_ONCE });
    stores.set(backend, fresh);
    return fresh;
  }

  async function storeSmall(context: OperationContext, request: UploadRequest, source: UploadSource) {
    const store = await openOwnStore(context, request.backend);
    const prepared = await prepare(context, request, source, readOptions(context, request, store.features));
    if (!('content' in prepared)) return failed(source, prepared.error);
    try {
      const known = await verdicts.add({ context, file: prepared });
      const decent = refuseKnown(prepared, known) ?? prepared;
      if (!('content' in decent)) return failed(source, decent.error);
      const [scanned = decent] = await scanFiles(context, scans, [decent], known, SCANS_AT_ONCE);
      if (!('content' in scanned)) return failed(source, scanned.error);
      return await storesOf(request.backend, store.features.concurrency).add({ context, upload: request, ...scanned });
    } finally {
      await prepared.content.close();
    }
  }

  return {
    async upload(context, wish, source) {
      const request: UploadRequest = { sources: onlySource(source), ...wish };
      // A large file would keep the others waiting.
      if (source.spool?.fd !== undefined) {
        for await (const outcome of upload(context, request, scans)) return outcome;
        throw new AssetError('INTERRUPTED', 'Stopped before it was stored', { hint: 'Upload it again.' });
      }
      const outcome = await storeSmall(context, request, source);
      if (outcome.kind === 'failed') await recordRefusals(context, request, [outcome]);
      return outcome;
    },
  };
}

async function* onlySource(source: UploadSource): AsyncGenerator<UploadSource> {
  yield source;
}

interface Asked {
  context: OperationContext;
  file: PreparedFile;
}

/** One question for each organisation among them. */
async function lookUpVerdicts(asked: readonly Asked[]): Promise<Known[]> {
  const questions = new Map<string, () => Promise<Known>>();
  for (const { context } of asked) {
    const { organization } = context.identity;
    if (questions.has(organization)) continue;
    const files = asked.filter((other) => other.context.identity.organization === organization);
    questions.set(
      organization,
      once(() =>
        knownVerdicts(
          context,
          files.map(({ file }) => file),
        ),
      ),
    );
  }
  return Promise.all(asked.map(({ context }) => questions.get(context.identity.organization)?.() ?? new Map()));
}
