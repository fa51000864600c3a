import { sql } from 'kysely';
import type { Session } from '../database.ts';
import { secondsAfter } from '../filters.ts';
import { type Content, contentRows } from '../verdicts/verdicts.ts';

/** Rule 4: a public address may come back so long after its row's last delete. */
export const PUBLIC_ADDRESS_SECONDS = 24 * 3600;

/** Nobody waits for copies of infected content; whoever removes them finds them: their lease has run out. */
export async function endFormerCopies(session: Session, contents: readonly Content[], now: string): Promise<void> {
  if (contents.length === 0) return;
  const rows = contentRows(session, contents);
  await session.db
    .updateTable('objects')
    .from(rows)
    .set({ state: 'DELETING', claim: null, lease_expires_at: now, retain_until: null, updated_at: now })
    .whereRef('objects.organization_id', '=', 'r.organization_id')
    .whereRef('objects.sha256', '=', 'r.sha256')
    .where('objects.state', '=', sql.lit('RETAINED'))
    .execute();
}

/** With the last asset of a content its former copies go too. */
export async function endUnusedCopies(session: Session, contents: readonly Content[], now: string): Promise<void> {
  if (contents.length === 0) return;
  await session.db
    .updateTable('objects')
    .from(contentRows(session, contents))
    .set({ state: 'DELETING', claim: null, lease_expires_at: now, retain_until: null, updated_at: now })
    .whereRef('objects.organization_id', '=', 'r.organization_id')
    .whereRef('objects.sha256', '=', 'r.sha256')
    // A literal: SQLite plans anew whenever the condition of a partial index is bound again.
    .where('objects.state', '=', sql.lit('RETAINED'))
    .where(sql<boolean>`not exists (
      select 1 from assets
      where assets.organization_id = objects.organization_id and assets.file_hash = objects.sha256)`)
    .execute();
}

/**
 * A public address that is withdrawn ends everywhere, also where a move has left a copy for who had its URL, or a repair the
 * asset's former address: of these contents, all that no asset has any more.
 */
export async function endPublicCopies(session: Session, contents: readonly Content[], now: string): Promise<void> {
  if (contents.length === 0) return;
  await session.db
    .updateTable('objects')
    .from(contentRows(session, contents))
    .set({
      state: 'DELETING',
      claim: null,
      lease_expires_at: now,
      retain_until: secondsAfter(now, PUBLIC_ADDRESS_SECONDS),
      updated_at: now,
    })
    .whereRef('objects.organization_id', '=', 'r.organization_id')
    .whereRef('objects.sha256', '=', 'r.sha256')
    .where('objects.is_public', '=', true)
    .where('objects.state', '=', sql.lit('RETAINED'))
    .where(sql<boolean>`not exists (
      select 1 from assets
      where assets.organization_id = objects.organization_id and assets.file_hash = objects.sha256
        and assets.storage_path = objects.storage_path)`)
    .execute();
}
