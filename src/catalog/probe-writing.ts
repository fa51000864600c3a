import { writeAudit } from './audit/audit-write.ts';
import type { Database } from './database.ts';

class TakenBack extends Error {}

/** Every change writes an audit event: whoever can write one can do its work. It is rolled back. */
export async function probeWriting(database: Database): Promise<void> {
  try {
    await database.write(async (session) => {
      await writeAudit(session, [PROBE], { host: 'probe', correlationId: 'probe' }, await session.now());
      throw new TakenBack('only a probe');
    });
  } catch (error) {
    if (!(error instanceof TakenBack)) throw error;
  }
}

const PROBE = {
  actor: null,
  organizationId: 'probe',
  action: 'probed',
  assetId: null,
  assetUserId: null,
  outcome: 'success' as const,
  details: {},
};
