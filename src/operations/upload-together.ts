import type { OperationContext } from './context.ts';
import { createGroups, type Groups } from './groups.ts';
import { type StoreFiles, storeGroup, storeOwned } from './upload-group.ts';
import { failed, type OwnedFile, type UploadOutcome } from './upload-request.ts';

/** As many as a group of a bulk upload has (upload-prepare.ts). */
const GROUP_FILES = 500;

/**
 * Stores small files of uploads that come at the same time together, which costs each a part of two commits instead of
 * two of its own. Every file keeps its own identity and run in the catalog and the audit trail. `context` holds the leases.
 */
export function storeTogether(context: OperationContext): StoreFiles {
  const groups = new Map<string, Groups<OwnedFile, UploadOutcome>>();
  const groupsOf = (backend: string, concurrency: number): Groups<OwnedFile, UploadOutcome> => {
    const known = groups.get(backend);
    if (known !== undefined) return known;
    const fresh = createGroups(GROUP_FILES, async (files: readonly OwnedFile[]) => {
      const outcomes = await storeOwned(context, { backend, concurrency }, files);
      return files.map(({ source }) => outcomes.get(source) ?? failed(source, new Error('it was not stored')));
    });
    groups.set(backend, fresh);
    return fresh;
  };
  return async (own, upload, files) => {
    // What lies in memory is stored in no time; a large file would keep the others waiting.
    if (files.some(({ content }) => content.body.bytes === undefined)) return storeGroup(own, upload, files);
    const shared = groupsOf(upload.backend, upload.concurrency);
    const outcomes = await Promise.all(
      files.map(async (file) => [file.source, await shared.add({ ...file, context: own, upload })] as const),
    );
    return new Map(outcomes);
  };
}
