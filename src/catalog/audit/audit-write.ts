import { randomUUID } from 'node:crypto';
import { redactText } from '../../core/redact.ts';
import type { AuditContext, NewAuditEvent } from '../catalog.ts';
import type { NewRow, Session } from '../database.ts';
import { toJsonText } from '../json-text.ts';

/** An event with the owner that its asset had at the time: a member sees the events of its own assets. */
export interface AuditDraft extends NewAuditEvent {
  assetUserId: string | null;
}

/** Appends events in the transaction of what they record. */
export async function writeAudit(
  session: Session,
  events: readonly AuditDraft[],
  context: AuditContext,
  now: string,
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(
    (event): NewRow<'audit_events'> => ({
      id: randomUUID(),
      time: now,
      actor: event.actor,
      organization_id: event.organizationId,
      action: event.action,
      asset_id: event.assetId,
      asset_user_id: event.assetUserId,
      outcome: event.outcome,
      host: (event.context ?? context).host,
      correlation_id: (event.context ?? context).correlationId,
      // Names and messages are whatever someone sent, such as a token where an id belongs.
      details: redactText(toJsonText(event.details)),
    }),
  );
  await session.insert('audit_events', rows);
}
