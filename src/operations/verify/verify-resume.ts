import type { VerifyProgress } from '../../catalog/catalog.ts';
import type { OrganizationScope } from '../../core/identity.ts';
import type { Suspect, Verification } from './verify-run.ts';

const PAGE_SIZE = 500;

/**
 * What the interrupted part of a verification found, to be looked at again: the audit trail has it, however the part
 * ended. Each path once.
 */
export async function* foundBefore(
  { context, store }: Verification,
  scope: OrganizationScope,
  { startedAt }: VerifyProgress,
): AsyncGenerator<Suspect> {
  const catalog = await context.catalog();
  const filter = { action: 'verified', since: startedAt };
  const seen = new Set<string>();
  let cursor: string | null | undefined;
  while (cursor !== null && !context.signal.aborted) {
    const page = await catalog.audit.page(scope, filter, PAGE_SIZE, cursor);
    for (const { outcome, details } of page.events) {
      const { finding, suspect, backend, storagePath: path } = details;
      if (outcome !== 'failed' || backend !== store.name || typeof path !== 'string' || seen.has(path)) continue;
      seen.add(path);
      yield { kind: finding === 'orphaned' || suspect === 'bytes' ? 'bytes' : 'row', path };
    }
    cursor = page.nextCursor;
  }
}
